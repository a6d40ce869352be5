import { createServer, type RequestListener, type Server } from "node:http";
import { afterEach, describe, expect, test } from "@jest/globals";
import { pino } from "pino";
import { toHex } from "../core/index.ts";
import { BlockFetcher } from "./block-fetcher.ts";

const BLOCK = { rendition: 0, sequence: 5, part: 1 };
const WHOLE = Uint8Array.from({ length: 1000 }, (_, index) => index % 251);

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

async function fetcherOf(answer: RequestListener): Promise<BlockFetcher> {
  const opened = createServer(answer);
  server = opened;
  await new Promise<void>((resolve) => void opened.listen(0, "127.0.0.1", resolve));
  const address = opened.address();
  const port = typeof address === "object" ? address?.port : 0;
  return new BlockFetcher(`http://127.0.0.1:${port}`, "main", pino({ level: "silent" }));
}

describe("a fetch of a part of a block", () => {
  test("gets the bytes from the start to before the end", async () => {
    const fetcher = await fetcherOf((request, response) => {
      expect(request.url).toBe("/live/main/5-1.m4s");
      expect(request.headers.range).toBe("bytes=100-299");
      const part = WHOLE.subarray(100, 300);
      response.writeHead(206, { "Content-Length": part.length }).end(part);
    });
    const { start, bytes } = (await fetcher.fetch(BLOCK, { start: 100, end: 300 })) ?? {};
    expect(start).toBe(100);
    expect(toHex(bytes ?? new Uint8Array())).toBe(toHex(WHOLE.subarray(100, 300)));
    expect(fetcher.bytes).toBe(200);
  });

  test("says so when a server gives all instead", async () => {
    const fetcher = await fetcherOf((_, response) => {
      response.writeHead(200, { "Content-Length": WHOLE.length }).end(WHOLE);
    });
    const { start, bytes } = (await fetcher.fetch(BLOCK, { start: 100, end: 300 })) ?? {};
    expect(start).toBe(0);
    expect(toHex(bytes ?? new Uint8Array())).toBe(toHex(WHOLE));
  });

  test("gives nothing when the origin has no such block", async () => {
    const fetcher = await fetcherOf((_, response) => void response.writeHead(404).end());
    expect(await fetcher.fetch(BLOCK, { start: 0, end: 10 })).toBeUndefined();
  });
});
