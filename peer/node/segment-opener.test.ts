import { createCipheriv } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { toHex, utf8 } from "../../core/index.ts";
import { SegmentOpener } from "./segment-opener.ts";
import type { PeerSegment } from "./segment-order.ts";

const KEY = Buffer.alloc(16, 7);
const IV = Buffer.alloc(16, 9);
const MEDIA = utf8("moof of a segment");
const NEVER = new AbortController().signal;

let server: Server;
let playlist: string;
/** Answers to requests for the playlist that fail before one comes. */
let failures: number;
let asked: string[];
beforeEach(async () => {
  failures = 0;
  asked = [];
  playlist = `#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="one.key",IV=0x${toHex(IV)}\n`;
  server = createServer(({ url = "", headers }, response) => {
    asked.push(url);
    if (url.endsWith(".m3u8")) {
      response.statusCode = failures-- > 0 ? 503 : 200;
      response.end(playlist);
    } else {
      response.statusCode = headers.authorization === "Bearer good" ? 200 : 401;
      response.end(KEY);
    }
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
});
afterEach(() => {
  server.close();
});

function opener(token = "good"): SegmentOpener {
  const { port } = server.address() as AddressInfo;
  const apiUrl = `http://127.0.0.1:${port}/`;
  return new SegmentOpener({ apiUrl, stream: "demo", token: () => token });
}

function segment(bytes: Uint8Array, session = "one", init = false): PeerSegment {
  const manifests = [{ session }] as unknown as PeerSegment["manifests"];
  return { sequence: 4, init, manifests, bytes, delayMs: 0 };
}

function encrypted(): Uint8Array {
  const cipher = createCipheriv("aes-128-cbc", KEY, IV);
  return Buffer.concat([cipher.update(MEDIA), cipher.final()]);
}

test("an encrypted segment is opened by the session's key, which is asked for once", async () => {
  const one = opener();
  for (let count = 0; count < 2; count += 1) {
    const opened = await one.open(segment(encrypted()), NEVER);
    expect(toHex(opened?.bytes ?? new Uint8Array())).toBe(toHex(MEDIA));
  }
  expect(asked).toEqual(["/live/demo/media.m3u8", "/live/demo/one.key"]);
});

test("init segments, and the media of a stream without encryption, stay as they are", async () => {
  const one = opener();
  const init = segment(MEDIA, "one", true);
  expect(await one.open(init, NEVER)).toBe(init);
  expect(asked).toEqual([]);
  playlist = "#EXTM3U\n";
  const media = segment(MEDIA);
  expect(await one.open(media, NEVER)).toBe(media);
  expect(await one.open(media, NEVER)).toBe(media);
  expect(asked.length).toBe(1);
});

test("an origin that does not answer yet is asked again", async () => {
  failures = 2;
  const opened = await opener().open(segment(encrypted()), NEVER);
  expect(toHex(opened?.bytes ?? new Uint8Array())).toBe(toHex(MEDIA));
  expect(asked.length).toBe(4);
});

test("a session that the playlist does not name is waited for until the end", async () => {
  const end = new AbortController();
  const opened = opener().open(segment(encrypted(), 'two"'), end.signal);
  end.abort();
  expect(await opened).toBeUndefined();
});

test("a token that is refused and a key that does not open say so", async () => {
  await expect(opener("bad").open(segment(encrypted()), NEVER)).rejects.toMatchObject({
    code: "content-token-needed",
  });
  const garbage = segment(encrypted().subarray(0, 20));
  await expect(opener().open(garbage, NEVER)).rejects.toMatchObject({
    code: "content-not-opened",
  });
});
