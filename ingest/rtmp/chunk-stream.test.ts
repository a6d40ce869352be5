import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { concatBytes, errorCode, fromHex, toHex } from "../../core/index.ts";
import { CHUNK_STREAMS_MAX, ChunkReader, UNREAD_BYTES_MAX } from "./chunk-reader.ts";
import { encodeChunks } from "./chunk-writer.ts";
import { MESSAGE_TYPE, type RtmpMessage, setChunkSize } from "./message.ts";

const MESSAGE_BYTES_MAX = 100_000;

function readAll(pieces: readonly Uint8Array[]): RtmpMessage[] {
  const reader = new ChunkReader(MESSAGE_BYTES_MAX);
  const messages: RtmpMessage[] = [];
  for (const piece of pieces) {
    reader.push(piece);
    for (let next = reader.next(); next !== undefined; next = reader.next()) messages.push(next);
  }
  return messages;
}

function codeOf(action: () => unknown): string | undefined {
  try {
    action();
  } catch (error) {
    return errorCode(error) ?? `not a StarlingError: ${error}`;
  }
  return undefined;
}

const plain = (messages: readonly RtmpMessage[]): object[] =>
  messages.map((message) => ({ ...message, payload: toHex(message.payload) }));

function cut(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const edges = [0, ...cuts.map((at) => at % (bytes.length + 1)).sort((a, b) => a - b)];
  return edges.map((start, index) => bytes.subarray(start, edges[index + 1] ?? bytes.length));
}

const message = fc.record({
  type: fc.constantFrom(MESSAGE_TYPE.audio, MESSAGE_TYPE.video, MESSAGE_TYPE.commandAmf0),
  messageStream: fc.nat(3),
  timestampMs: fc.oneof(fc.nat(5000), fc.integer({ min: 0xff_ff_f0, max: 0xff_ff_ff_ff })),
  payload: fc.uint8Array({ maxLength: 400 }),
});

describe("the chunk stream", () => {
  test("what is written is read, whatever the chunk size and however the bytes are split", () => {
    const inputs = fc.tuple(
      fc.array(message, { maxLength: 6 }),
      fc.integer({ min: 1, max: 500 }),
      fc.array(fc.nat(), { maxLength: 8 }),
    );
    fc.assert(
      fc.property(inputs, ([messages, chunkBytes, cuts]) => {
        const bytes = concatBytes(
          encodeChunks(setChunkSize(chunkBytes), 2, 128),
          ...messages.map((one, index) => encodeChunks(one, 3 + (index % 3), chunkBytes)),
        );
        expect(plain(readAll(cut(bytes, cuts)))).toEqual(plain(messages));
      }),
    );
  });

  test("the short headers inherit length, type, stream and timestamp delta", () => {
    const bytes = fromHex(
      [
        "04 000064 000002 08 01000000 aaaa", // fmt 0: audio at 100 ms
        "c4 bbbb", // fmt 3 after fmt 0: its timestamp is the delta (section 5.3.1.2.4)
        "84 000014 cccc", // fmt 2: 20 ms later
        "c4 dddd", // fmt 3: 20 ms later again
        "44 000001 000001 09 ee", // fmt 1: one byte of video, 1 ms later
      ]
        .join("")
        .replaceAll(" ", ""),
    );
    const messages = readAll([bytes]);
    expect(messages.map(({ timestampMs }) => timestampMs)).toEqual([100, 200, 220, 240, 241]);
    expect(messages.map(({ type }) => type)).toEqual([8, 8, 8, 8, 9]);
    expect(messages.map(({ messageStream }) => messageStream)).toEqual([1, 1, 1, 1, 1]);
    expect(messages.map(({ payload }) => toHex(payload)).join()).toBe("aaaa,bbbb,cccc,dddd,ee");
  });

  test("an extended timestamp is repeated in every chunk of its message", () => {
    const first = `04ffffff0000820801000000${"01000000"}${"11".repeat(128)}`;
    const [read] = readAll([fromHex(`${first}c4010000002222`)]);
    expect(read?.timestampMs).toBe(0x01_00_00_00);
    expect(toHex(read?.payload ?? new Uint8Array())).toBe(`${"11".repeat(128)}2222`);
  });

  test("messages of two chunk streams may be interleaved", () => {
    const audio = fromHex(`04000000000081080100000011${"11".repeat(127)}`);
    const video = fromHex(`05000000000081090100000022${"22".repeat(127)}`);
    const read = readAll([audio, video, fromHex("c411"), fromHex("c522")]);
    expect(plain(read)).toEqual([
      { type: 8, messageStream: 1, timestampMs: 0, payload: "11".repeat(129) },
      { type: 9, messageStream: 1, timestampMs: 0, payload: "22".repeat(129) },
    ]);
  });

  test("two- and three-byte chunk stream ids are different chunk streams", () => {
    const bytes = fromHex(
      "000a0000010000010801000000aa 010a010000020000010801000000bb".replace(" ", ""),
    );
    expect(readAll([bytes]).map(({ timestampMs }) => timestampMs)).toEqual([1, 2]);
  });

  test("an aborted message is forgotten and its chunk stream goes on", () => {
    const half = fromHex(`040000000000810801000000${"11".repeat(128)}`);
    const abort = encodeChunks(
      { type: MESSAGE_TYPE.abort, messageStream: 0, timestampMs: 0, payload: fromHex("00000004") },
      2,
      128,
    );
    const next = fromHex("040000050000010901000000ee");
    expect(plain(readAll([half, abort, next]))).toEqual([
      { type: 9, messageStream: 1, timestampMs: 5, payload: "ee" },
    ]);
  });

  test("a chunk that inherits from nothing, or interrupts a message, is refused", () => {
    expect(codeOf(() => readAll([fromHex("c4")]))).toBe("rtmp-chunk");
    const half = fromHex(`040000000000810801000000${"11".repeat(128)}`);
    expect(codeOf(() => readAll([half, fromHex("04000000")]))).toBe("rtmp-chunk");
  });

  test("arbitrary bytes give messages or a StarlingError, nothing else", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 10 }), (pieces) => {
        expect(codeOf(() => readAll(pieces)) ?? "rtmp-").toMatch(/^rtmp-/);
      }),
      { numRuns: 500 },
    );
  });
});

describe("the limits of the chunk stream", () => {
  test("a message longer than the limit is refused at its header", () => {
    const header = fromHex("04000000ffffff0801000000");
    expect(codeOf(() => readAll([header]))).toBe("rtmp-limit");
  });

  test("unfinished messages of all chunk streams share one limit", () => {
    const reader = new ChunkReader(1000);
    reader.push(encodeChunks(setChunkSize(600), 2, 128));
    const half = (id: number): Uint8Array =>
      concatBytes(Uint8Array.of(id), fromHex("0000000003e80801000000"), new Uint8Array(600));
    reader.push(half(4));
    expect(reader.next()).toBeUndefined();
    reader.push(half(5));
    expect(codeOf(() => reader.next())).toBe("rtmp-limit");
  });

  test("announced messages take no memory before their payload comes", () => {
    const reader = new ChunkReader(8 << 20);
    const before = process.memoryUsage().arrayBuffers;
    for (let id = 3; id < 3 + CHUNK_STREAMS_MAX; id++) {
      // A chunk of 128 bytes for a message of 8 MiB, on each chunk stream.
      reader.push(concatBytes(Uint8Array.of(id), fromHex("0000007fffff0801000000")));
      reader.push(new Uint8Array(128));
      expect(reader.next()).toBeUndefined();
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1 << 20);
  });

  test("there are only so many chunk streams", () => {
    const ids = Array.from({ length: CHUNK_STREAMS_MAX + 1 }, (_, index) => 3 + index);
    const chunks = ids.map((id) =>
      concatBytes(Uint8Array.of(id), fromHex("000000000001080100000000")),
    );
    expect(codeOf(() => readAll(chunks))).toBe("rtmp-limit");
  });

  test("a chunk size of zero or with the reserved bit set is refused", () => {
    expect(codeOf(() => readAll([encodeChunks(setChunkSize(0), 2, 128)]))).toBe("rtmp-limit");
    expect(codeOf(() => readAll([encodeChunks(setChunkSize(0x80_00_00_80), 2, 128)]))).toBe(
      "rtmp-limit",
    );
  });

  test("bytes that nobody fetches are refused", () => {
    const reader = new ChunkReader(MESSAGE_BYTES_MAX);
    reader.push(new Uint8Array(UNREAD_BYTES_MAX));
    expect(codeOf(() => reader.push(new Uint8Array(1)))).toBe("rtmp-limit");
  });
});
