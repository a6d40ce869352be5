import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { eventually } from "./eventually.ts";
import { newestSequence } from "./first-light.ts";
import { fuzzLive } from "./live-fuzz-run.ts";
import { OriginProcess } from "./origin-process.ts";
import { Publisher } from "./publisher.ts";

const HELP = `Usage: npm run fuzz:live -- [options]

Starts an origin with a stream on air and sends its HTTP API, its tracker and its seeder's data channels what
they may take and what they may not, made from the OpenAPI description and the messages of the protocol by
a seed. No answer may be a fault, no process may end, and none may grow.

  --seconds <n>  how long (default 300)
  --seed <n>     (default 1)
  --help         this text

Its last line is JSON.`;

/** Caches, pools and compiled code go on growing a little after a third of the time. */
const GROWTH_MAX_MIB = 64;

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "300" },
    seed: { type: "string", default: "1" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) console.log(HELP);
else await run(Number(values.seed), Number(values.seconds));

async function run(seed: number, seconds: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "starling-"));
  const origin = new OriginProcess(join(folder, "data"), ["--no-demo"]);
  await origin.start();
  const size = { widthPx: 320, heightPx: 180 };
  const publisher = new Publisher({ url: `${origin.rtmpUrl}/${origin.streamKey}`, ...size });
  try {
    await eventually(
      () => newestSequence(origin),
      60_000,
      () => origin.output,
    );
    const onProgress = (text: string): void => console.error(`… ${text}`);
    const result = await fuzzLive(origin, { seed, seconds, hasChannels: true, onProgress });
    for (const [role, [before, after]] of Object.entries(result.rssMiB)) {
      if (after <= before + GROWTH_MAX_MIB) continue;
      throw new Error(`The ${role} grew from ${before} MiB to ${after} MiB.`);
    }
    console.log(JSON.stringify({ fuzz: "live", seed, seconds, ...result }));
  } finally {
    await publisher.end("SIGKILL");
    await origin.stop();
    await rm(folder, { recursive: true, force: true });
  }
}
