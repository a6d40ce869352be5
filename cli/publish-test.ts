import { spawn } from "node:child_process";
import { publishTestArguments } from "../ingest/index.ts";
import { existingStream, withOrigin } from "./keys.ts";
import type { Config } from "./options.ts";

type TestCardConfig = Pick<Config, "testSize" | "testFps" | "testKbps" | "testGopS">;

/** The ffmpeg command that publishes a test card to an RTMP URL, for ever or for `durationS`. */
export function testCardCommand(
  url: string,
  config: TestCardConfig,
  durationS?: number,
): [string, ...string[]] {
  const [widthPx = 0, heightPx = 0] = config.testSize.split("x").map(Number);
  const picture = { widthPx, heightPx, fps: config.testFps, videoKbps: config.testKbps };
  return ["ffmpeg", ...publishTestArguments({ url, durationS, ...picture, gopS: config.testGopS })];
}

/** Publishes a test card in the foreground; ends with ffmpeg's own status. */
export async function publishTest(config: Config): Promise<void> {
  const url = config.publishUrl ?? (await ownUrl(config));
  const [program, ...args] = testCardCommand(url, config, config.durationS);
  const child = spawn(program, args, { stdio: ["ignore", "inherit", "inherit"] });
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => child.kill(signal));
  }
  process.exitCode = await new Promise<number>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve(code ?? 1));
  });
}

/** The door of the origin on this machine, with the stream's key from its Redis. */
async function ownUrl(config: Config): Promise<string> {
  const { streamKey } = await withOrigin(config, ({ streams }) =>
    existingStream(streams, config.stream),
  );
  return `rtmp://127.0.0.1:${config.rtmpPort}/live/${streamKey}`;
}
