import { once } from "node:events";
import { connect } from "node:net";
import { afterEach, describe, expect, test } from "@jest/globals";
import { fromHex, StarlingError } from "../../core/index.ts";
import { type CapturedLog, captureLog } from "../captured-log.ts";
import { FLV_TAG, type FlvTag } from "../flv.ts";
import type { OpenPublisher, PublisherControl } from "./connection.ts";
import {
  clientHandshake,
  clientPublish,
  clientTag,
  ScriptedPublisher,
} from "./scripted-publisher.ts";
import { type RtmpServer, type RtmpServerOptions, startRtmpServer } from "./server.ts";

const AUDIO: FlvTag = { type: FLV_TAG.audio, timestampMs: 20, payload: fromHex("af01ee") };
const KEY = "studio_secret";
const servers: RtmpServer[] = [];

/** A door with one stream, whose second publisher is refused while the first is in. */
class TestDoor {
  readonly captured: CapturedLog = captureLog();
  readonly tags: FlvTag[] = [];
  readonly ended: string[] = [];
  control: PublisherControl | undefined;
  accepts = true;
  #busy = false;

  readonly open: OpenPublisher = async ({ streamKey }, control) => {
    if (streamKey !== KEY) throw new StarlingError("publisher-key", "The stream key is wrong.");
    if (this.#busy) throw new StarlingError("publisher-busy", "There is a live publisher.");
    this.#busy = true;
    this.control = control;
    return {
      write: (tag) => this.tags.push(tag) > 0 && this.accepts,
      end: (code) => {
        this.#busy = false;
        this.ended.push(code);
      },
    };
  };

  async start(options: Partial<RtmpServerOptions> = {}): Promise<RtmpServer> {
    const server = await startRtmpServer({
      host: "127.0.0.1",
      port: 0,
      connectionsMax: 10,
      timeouts: {
        handshakeTimeoutMs: 10_000,
        firstPacketTimeoutMs: 10_000,
        silenceTimeoutMs: 10_000,
      },
      open: this.open,
      log: this.captured.log,
      ...options,
    });
    servers.push(server);
    return server;
  }
}

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function publishedTo(server: RtmpServer): Promise<ScriptedPublisher> {
  const publisher = await ScriptedPublisher.connect(server.port);
  publisher.send(clientHandshake(), clientPublish(KEY));
  while (publisher.answers.commands.at(-1)?.[0] !== "onStatus") {
    await once(publisher.socket, "data");
  }
  return publisher;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe("the RTMP port", () => {
  test("lets a publisher in and passes its tags on", async () => {
    const door = new TestDoor();
    const publisher = await publishedTo(await door.start());
    publisher.send(clientTag(AUDIO), clientTag(AUDIO));
    await until(() => door.tags.length === 2);
    publisher.socket.destroy();
    await until(() => door.ended.length === 1);
    expect(door.ended).toEqual(["rtmp-disconnected"]);
  });

  test("refuses HTTP with a log line that says so, and lets a publisher in right after", async () => {
    const door = new TestDoor();
    const server = await door.start();
    const browser = connect(server.port, "127.0.0.1");
    browser.resume().write("GET / HTTP/1.1\r\nHost: origin\r\n\r\n");
    await once(browser, "close");
    expect(door.captured.messages.join()).toContain("HTTP request");
    expect(server.rejections.get("rtmp-not-rtmp")).toBe(1);
    await publishedTo(server);
    expect(door.control).toBeDefined();
  });

  test("refuses garbage and names its first bytes", async () => {
    const door = new TestDoor();
    const server = await door.start();
    const stranger = connect(server.port, "127.0.0.1");
    stranger.resume().write(fromHex("deadbeef"));
    await once(stranger, "close");
    expect(door.captured.messages.join()).toContain("deadbeef");
  });

  test("refuses a wrong key before it reads media, with a reason and without logging the key", async () => {
    const door = new TestDoor();
    const server = await door.start();
    const publisher = await ScriptedPublisher.connect(server.port);
    publisher.send(clientHandshake(), clientPublish("studio_wr0ngsecret"), clientTag(AUDIO));
    await publisher.closed;
    expect(publisher.answers.codes.at(-1)).toBe("NetStream.Publish.Denied");
    expect(publisher.answers.descriptions.at(-1)).toBe("The stream key is wrong.");
    expect(door.tags).toEqual([]);
    expect(server.rejections.get("publisher-key")).toBe(1);
    expect(door.captured.text()).not.toContain("wr0ngsecret");
  });

  test("refuses a second publisher while the first one lives", async () => {
    const door = new TestDoor();
    const server = await door.start();
    const first = await publishedTo(server);
    const second = await ScriptedPublisher.connect(server.port);
    second.send(clientHandshake(), clientPublish(KEY));
    await second.closed;
    expect(second.answers.descriptions.at(-1)).toBe("There is a live publisher.");
    first.send(clientTag(AUDIO));
    await until(() => door.tags.length === 1);
  });
});

describe("the patience of the RTMP port", () => {
  test("closes a client that connects and says nothing", async () => {
    const timeouts = { handshakeTimeoutMs: 50, firstPacketTimeoutMs: 100, silenceTimeoutMs: 100 };
    const door = new TestDoor();
    const server = await door.start({ timeouts });
    const silent = connect(server.port, "127.0.0.1");
    silent.resume();
    await once(silent, "close");
    expect(server.rejections.get("rtmp-handshake-timeout")).toBe(1);
    expect(door.captured.messages.join()).toContain("did not complete the RTMP handshake");
  });

  test("drops a publisher that goes silent, and the next one gets in at once", async () => {
    const timeouts = {
      handshakeTimeoutMs: 5000,
      firstPacketTimeoutMs: 5000,
      silenceTimeoutMs: 100,
    };
    const door = new TestDoor();
    const server = await door.start({ timeouts });
    const halfOpen = await publishedTo(server);
    halfOpen.send(clientTag(AUDIO));
    await halfOpen.closed;
    expect(door.ended).toEqual(["rtmp-silence"]);
    await publishedTo(server);
  });

  test("stops reading while ffmpeg is slow, without taking that for silence", async () => {
    const timeouts = {
      handshakeTimeoutMs: 5000,
      firstPacketTimeoutMs: 5000,
      silenceTimeoutMs: 150,
    };
    const door = new TestDoor();
    const publisher = await publishedTo(await door.start({ timeouts }));
    door.accepts = false;
    publisher.send(clientTag(AUDIO));
    await until(() => door.tags.length === 1);
    publisher.send(clientTag(AUDIO));
    await new Promise((resolve) => setTimeout(resolve, 300)); // Twice the silence that is allowed.
    expect([door.tags.length, door.ended]).toEqual([1, []]);
    door.accepts = true;
    door.control?.resume();
    await until(() => door.tags.length === 2);
  });

  test("takes only so many connections", async () => {
    const door = new TestDoor();
    const server = await door.start({ connectionsMax: 1 });
    const first = await publishedTo(server);
    const second = connect(server.port, "127.0.0.1");
    second.on("error", () => {}).resume();
    await once(second, "close");
    expect(server.rejections.get("rtmp-connections")).toBe(1);
    first.socket.destroy();
    await until(() => door.ended.length === 1);
    await publishedTo(server);
  });

  test("lets an address knock for so long, and tells nobody else of it", async () => {
    const door = new TestDoor();
    const server = await door.start();
    while ((server.rejections.get("rtmp-knocks") ?? 0) === 0) {
      const knock = connect(server.port, "127.0.0.1");
      knock.on("error", () => {}).resume();
      await once(knock, "connect");
      knock.destroy();
    }
    const other = connect({ port: server.port, host: "127.0.0.1", localAddress: "127.0.0.2" });
    await once(other, "connect");
    other.write(Uint8Array.of(3));
    expect(server.rejections.get("rtmp-knocks")).toBeGreaterThan(0);
    other.destroy();
  });

  test("that is taken already is an error that says so", async () => {
    const { port } = await new TestDoor().start();
    await expect(new TestDoor().start({ port })).rejects.toMatchObject({ code: "rtmp-port" });
  });
});
