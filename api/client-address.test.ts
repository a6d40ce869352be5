import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { describe, expect, test } from "@jest/globals";
import { clientAddress } from "./client-address.ts";

function requestVia(forwardedFor?: string): IncomingMessage {
  const socket = new Socket();
  Object.defineProperty(socket, "remoteAddress", { value: "10.0.0.1" });
  const request = new IncomingMessage(socket);
  if (forwardedFor !== undefined) request.headers["x-forwarded-for"] = forwardedFor;
  return request;
}

describe("the address of a client", () => {
  test("is that of its socket when no proxy is trusted, whatever it claims", () => {
    expect(clientAddress(requestVia("192.0.2.9"), 0)).toBe("10.0.0.1");
  });

  test("is what the trusted proxies name, and nothing that the client put before it", () => {
    expect(clientAddress(requestVia("6.6.6.6, 192.0.2.9"), 1)).toBe("192.0.2.9");
    expect(clientAddress(requestVia("6.6.6.6, 192.0.2.9, 10.0.0.2"), 2)).toBe("192.0.2.9");
  });

  test("is the furthest one there is when there are fewer proxies than trusted", () => {
    expect(clientAddress(requestVia("192.0.2.9"), 5)).toBe("192.0.2.9");
    expect(clientAddress(requestVia(), 1)).toBe("10.0.0.1");
  });
});
