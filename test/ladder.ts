import { parseArgs } from "node:util";
import { runLadder } from "./ladder-run.ts";

const HELP = `Usage: npm run e2e:ladder -- [options]

Starts an origin that makes three renditions of what a real ffmpeg publishes, a headless peer of the middle one, and
viewers in Chromium that go from one rendition to the next. Then compares all segments of all renditions.

  --viewers <n>   viewers in Chromium (default 2)
  --seconds <n>   how long they go round (default 300)
  --stay-s <n>    seconds that they stay (default 10)
  --help          this text

Ends with one JSON line; the exit status is 1 unless all segments are cut at the same pictures, no viewer stalled
or had a hole in its buffer, and each rendition came over the mesh.`;

const MESH_SHARE_MIN = 0.3;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      viewers: { type: "string", default: "2" },
      seconds: { type: "string", default: "300" },
      "stay-s": { type: "string", default: "10" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return;
  }
  const run = await runLadder({
    viewers: Number(values.viewers),
    seconds: Number(values.seconds),
    stayS: Number(values["stay-s"]),
    tell: console.log,
  });
  console.log(`console errors: ${run.consoleErrors.join("; ") || "none"}`);
  const { consoleErrors: _, meshShares, slowestPace, ...rest } = run;
  console.log(
    JSON.stringify({
      bench: "ladder",
      ...rest,
      slowestPace: rounded(slowestPace),
      meshShares: meshShares.map(rounded),
    }),
  );
  const isGood =
    run.misaligned + run.stalls + run.gaps === 0 && Math.min(...meshShares) >= MESH_SHARE_MIN;
  if (!isGood) process.exitCode = 1;
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}

if (process.argv[1] === import.meta.filename) await main();
