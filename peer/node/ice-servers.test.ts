import { describe, expect, test } from "@jest/globals";
import { libraryIceServers } from "./ice-servers.ts";

describe("libraryIceServers", () => {
  test("understands STUN and TURN addresses, with their default ports", () => {
    const login = { username: "user", credential: "secret" };
    const relay = { username: "user", password: "secret" };
    expect(
      libraryIceServers([
        { urls: "stun:stun.example.org" },
        { urls: "stun:[2001:db8::1]:19302" },
        { urls: "turn:turn.example.org:80?transport=tcp", ...login },
        { urls: "turn:turn.example.org", ...login },
        { urls: "turns:turn.example.org", ...login },
      ]),
    ).toEqual([
      "stun:stun.example.org:3478",
      "stun:[2001:db8::1]:19302",
      { hostname: "turn.example.org", port: 80, ...relay, relayType: "TurnTcp" },
      { hostname: "turn.example.org", port: 3478, ...relay, relayType: "TurnUdp" },
      { hostname: "turn.example.org", port: 5349, ...relay, relayType: "TurnTls" },
    ]);
  });

  test.each(["http://example.org", "stun:", "stun:a b", "turn:x?transport=sctp"])(
    "refuses %s",
    (urls) => {
      expect(() => libraryIceServers([{ urls }])).toThrow("Expected an ICE server");
    },
  );
});
