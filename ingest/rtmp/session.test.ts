import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { after, concatBytes, fromHex, instantMs, toHex } from "../../core/index.ts";
import { FLV_TAG, type FlvTag } from "../flv.ts";
import { encodeAmf0 } from "./amf0.ts";
import { encodeChunks } from "./chunk-writer.ts";
import { MESSAGE_TYPE } from "./message.ts";
import {
  clientCall,
  clientHandshake,
  clientPublish,
  clientTag,
  ServerAnswers,
} from "./scripted-publisher.ts";
import { type RtmpOutput, RtmpSession, SETUP_BYTES_MAX } from "./session.ts";

const START = instantMs(1_000_000);
const TIMEOUTS = {
  handshakeTimeoutMs: 5000,
  firstPacketTimeoutMs: 15_000,
  silenceTimeoutMs: 10_000,
};
const AUDIO: FlvTag = { type: FLV_TAG.audio, timestampMs: 20, payload: fromHex("af01ee") };
const VIDEO: FlvTag = {
  type: FLV_TAG.video,
  timestampMs: 40,
  payload: new Uint8Array(500).fill(7),
};
const KEY = "studio_secret";

/** A session, what it gave out, and what a client would read. */
class Trial {
  readonly session = new RtmpSession(START, TIMEOUTS, (length) => new Uint8Array(length));
  readonly outputs: RtmpOutput[] = [];
  readonly answers = new ServerAnswers();
  now = START;

  send(...pieces: readonly Uint8Array[]): this {
    for (const bytes of pieces) this.input({ type: "bytes", bytes });
    return this;
  }

  input(input: Parameters<RtmpSession["handleInput"]>[1]): this {
    this.session.handleInput(this.now, input);
    for (let next = this.session.pollOutput(); next; next = this.session.pollOutput()) {
      this.outputs.push(next);
      if (next.type === "send") this.answers.push(next.bytes);
      if (next.type === "publish") this.onPublish();
    }
    return this;
  }

  onPublish = (): void => {};

  wait(durationMs: number): this {
    this.now = after(this.now, durationMs);
    return this.input({ type: "clock" });
  }

  get tags(): string[] {
    return this.outputs.flatMap((output) =>
      output.type === "tag"
        ? [`${output.tag.type}@${output.tag.timestampMs}:${toHex(output.tag.payload)}`]
        : [],
    );
  }

  get closedBecause(): string | undefined {
    const closed = this.outputs.find((output) => output.type === "closed");
    return closed?.type === "closed" ? closed.code : undefined;
  }
}

const published = (): Trial =>
  new Trial().send(clientHandshake(), clientPublish(KEY)).input({ type: "accept" });

describe("a publisher that is let in", () => {
  test("gets the answers that OBS and ffmpeg wait for, in their order", () => {
    const trial = published();
    expect(trial.answers.commands.map(([name]) => name)).toEqual([
      "_result", // connect
      "_result", // releaseStream
      "onFCPublish",
      "_result", // FCPublish
      "_result", // createStream
      "onStatus",
    ]);
    expect(trial.answers.codes).toEqual([
      "NetConnection.Connect.Success",
      "NetStream.Publish.Start",
      "NetStream.Publish.Start",
    ]);
    expect(trial.outputs).toContainEqual({ type: "publish", streamKey: KEY, filler: false });
  });

  test("has its audio, video and metadata passed on as FLV tags", () => {
    const metadata = encodeAmf0("onMetaData", new Map([["width", 640]]));
    const frame = concatBytes(encodeAmf0("@setDataFrame"), metadata);
    const script = encodeChunks(
      { type: MESSAGE_TYPE.dataAmf0, messageStream: 1, timestampMs: 0, payload: frame },
      4,
      128,
    );
    const trial = published().send(script, clientTag(AUDIO), clientTag(VIDEO));
    expect(trial.tags).toEqual([
      `18@0:${toHex(metadata)}`,
      "8@20:af01ee",
      `9@40:${"07".repeat(500)}`,
    ]);
  });

  test("is understood the same however its bytes are split", () => {
    const bytes = concatBytes(
      clientHandshake(),
      clientPublish(KEY),
      clientTag(AUDIO),
      clientTag(VIDEO),
      clientCall("deleteStream", 6, null, 1),
    );
    const summary = (trial: Trial): unknown => [
      trial.tags,
      trial.answers.codes,
      trial.closedBecause,
    ];
    const whole = new Trial();
    whole.onPublish = () => whole.session.handleInput(START, { type: "accept" });
    whole.send(bytes);
    expect(whole.tags).toHaveLength(2);
    expect(whole.closedBecause).toBe("rtmp-unpublished");
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 12 }), (cuts) => {
        const edges = [0, ...cuts.sort((a, b) => a - b), bytes.length];
        const trial = new Trial();
        trial.onPublish = () => trial.session.handleInput(START, { type: "accept" });
        trial.send(...edges.slice(1).map((end, index) => bytes.subarray(edges[index], end)));
        expect(summary(trial)).toEqual(summary(whole));
      }),
    );
  });

  test("may say that it is a filler", () => {
    const trial = new Trial().send(clientHandshake(), clientPublish(`${KEY}?filler=1`));
    expect(trial.outputs).toContainEqual({ type: "publish", streamKey: KEY, filler: true });
  });
});

describe("a publisher that is not let in", () => {
  test("has no media read while its key is being checked", () => {
    const trial = new Trial().send(clientHandshake(), clientPublish(KEY), clientTag(AUDIO));
    expect(trial.tags).toEqual([]);
    trial.input({ type: "accept" });
    expect(trial.tags).toHaveLength(1);
  });

  test("is told why, and is closed", () => {
    const trial = new Trial().send(clientHandshake(), clientPublish(KEY), clientTag(AUDIO));
    trial.input({ type: "refuse", code: "publisher-key", description: "The key is wrong." });
    expect(trial.answers.codes.at(-1)).toBe("NetStream.Publish.Denied");
    expect(trial.answers.descriptions.at(-1)).toBe("The key is wrong.");
    expect([trial.closedBecause, trial.tags]).toEqual(["publisher-key", []]);
  });

  test("reads which application it should have named, and its key is not repeated", () => {
    const trial = new Trial().send(clientHandshake(), clientPublish(KEY, "stream_abcdefgh/x"));
    expect(trial.answers.codes).toEqual(["NetConnection.Connect.Rejected"]);
    expect(trial.answers.descriptions[0]).toContain('must be "live"');
    expect(trial.answers.descriptions[0]).not.toContain("abcdefgh");
    expect(trial.closedBecause).toBe("rtmp-application");
  });

  test("may not send media, or publish, before it should", () => {
    const media = new Trial().send(clientHandshake(), clientTag(AUDIO));
    expect(media.closedBecause).toBe("rtmp-command");
    const early = new Trial().send(clientHandshake(), clientCall("publish", 1, null, KEY));
    expect(early.closedBecause).toBe("rtmp-command");
  });

  test("is closed when it sends a lot and never publishes", () => {
    const trial = new Trial().send(clientHandshake());
    const call = clientCall("nothing", 1, "x".repeat(8000));
    for (let bytes = 0; bytes <= SETUP_BYTES_MAX; bytes += call.length) trial.send(call);
    expect(trial.closedBecause).toBe("rtmp-limit");
  });

  test("is told that this is no place to watch", () => {
    const connect = clientCall("connect", 1, { app: "live" });
    const trial = new Trial().send(clientHandshake(), connect, clientCall("play", 2, null, "x"));
    expect(trial.closedBecause).toBe("rtmp-play");
  });
});

describe("a publisher that is slow", () => {
  test("is given up when its handshake does not come", () => {
    const trial = new Trial().send(Uint8Array.of(3)).wait(TIMEOUTS.handshakeTimeoutMs - 1);
    expect(trial.closedBecause).toBeUndefined();
    expect(trial.wait(1).closedBecause).toBe("rtmp-handshake-timeout");
  });

  test("is given up when no media come, counted from the connection", () => {
    const trial = new Trial().send(clientHandshake()).wait(9000).send(clientPublish(KEY));
    trial.input({ type: "accept" }).wait(5999);
    expect(trial.closedBecause).toBeUndefined();
    expect(trial.wait(1).closedBecause).toBe("rtmp-first-packet-timeout");
  });

  test("is given up when its media stop, but not while it is us who do not read", () => {
    const trial = published().wait(14_000).send(clientTag(AUDIO)).wait(9999);
    expect(trial.closedBecause).toBeUndefined();
    trial.input({ type: "resumed" }).wait(9999);
    expect(trial.closedBecause).toBeUndefined();
    expect(trial.wait(1).closedBecause).toBe("rtmp-silence");
    expect(trial.session.deadline).toBeUndefined();
  });
});

describe("any bytes after the handshake", () => {
  test("are understood or close the session, and never throw", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 }), (pieces) => {
        const trial = new Trial().send(clientHandshake(), ...pieces);
        expect(trial.closedBecause ?? "rtmp-").toMatch(/^(rtmp|amf0)-/);
      }),
      { numRuns: 300 },
    );
  });
});
