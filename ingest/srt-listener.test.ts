import { createSocket } from "node:dgram";
import { once } from "node:events";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { srtArguments, withoutPassphrase } from "./srt-command.ts";
import { TestOrigin, until } from "./test-origin.ts";

const PASSPHRASE = "correct-horse-battery";

let origin: TestOrigin;
beforeAll(async () => {
  origin = await TestOrigin.start();
});
afterEach(async () => {
  await origin.endPublishers();
  origin.captured.forget();
});
afterAll(() => origin.stop());

async function freePort(): Promise<number> {
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address();
  socket.close();
  await once(socket, "close");
  return port;
}

function call(port: number, passphrase = PASSPHRASE, codec = ["-c:v", "libx264"]) {
  const picture = ["-re", "-f", "lavfi", "-i", "testsrc2=size=160x90:rate=25"];
  const sound = ["-re", "-f", "lavfi", "-i", "sine=sample_rate=48000"];
  const codecs = [...codec, "-g", "25", "-bf", "0", "-c:a", "aac", "-f", "mpegts"];
  const url = `srt://127.0.0.1:${port}?mode=caller&passphrase=${passphrase}&pkt_size=1316`;
  return origin.run(["-nostdin", "-loglevel", "error", ...picture, ...sound, ...codecs, url]);
}

describe("a real SRT caller", () => {
  test("is let in by its passphrase, watched by the doctor, and may come back", async () => {
    const port = await freePort();
    await origin.addressOf("srt");
    const ingest = await origin.ingest({ srt: [{ stream: "srt", port, passphrase: PASSPHRASE }] });
    const stranger = call(port, "not-the-passphrase");
    await stranger.exited;
    const first = call(port);
    const [before] = await origin.segments("srt", 2);
    expect(ingest.status().publishers).toMatchObject([
      { stream: "srt", video: "H.264", audio: "AAC", source: { audioHz: 48_000 } },
    ]);
    first.child.kill("SIGKILL");
    await origin.logged("SRT publisher gone");
    call(port);
    await until(async () => {
      const [newest] = await origin.timeline.window("srt", 0, 1);
      return newest?.session !== before?.session;
    });
    expect(origin.captured.text()).not.toContain(PASSPHRASE);
  }, 60_000);

  test("cannot take a stream that another publishes to, and does not hurt it", async () => {
    const port = await freePort();
    const ingest = await origin.ingest({ srt: [{ stream: "both", port, passphrase: PASSPHRASE }] });
    origin.publish(await origin.addressOf("both"));
    await origin.segments("both", 1);
    const second = call(port);
    await second.exited;
    await origin.logged('Stream "both" has a live publisher');
    expect(ingest.status().publishers).toHaveLength(1);
  }, 60_000);

  test("with a codec that FLV has no place for is told so", async () => {
    const port = await freePort();
    await origin.addressOf("old");
    const ingest = await origin.ingest({ srt: [{ stream: "old", port, passphrase: PASSPHRASE }] });
    call(port, PASSPHRASE, ["-c:v", "mpeg2video"]);
    await origin.logged("cannot be taken over SRT");
    expect(ingest.status().refusals).toMatchObject([{ stream: "old", code: "srt-codec" }]);
  }, 60_000);
});

describe("the arguments of the receiving ffmpeg", () => {
  test("spell the passphrase so that it is one, and a line of its log hides it", () => {
    const door = { stream: "x", port: 9, passphrase: "a b&c=d%/?12" };
    const url = srtArguments("0.0.0.0", door).find((one) => one.startsWith("srt:")) ?? "";
    expect(new URL(url).searchParams.get("passphrase")).toBe(door.passphrase);
    expect(withoutPassphrase(`${url}: Input/output error`)).toBe(
      "srt://0.0.0.0:9?mode=listener&passphrase=(hidden)&pbkeylen=16&latency=200000: Input/output error",
    );
  });
});
