import { parseArgs } from "node:util";
import { type AbrViewer, runAbr } from "./abr-run.ts";
import { Lab } from "./lab.ts";
import { runLadder } from "./ladder-run.ts";

const HELP = `Usage: npm run e2e:ladder -- [options]

Starts an origin that makes three renditions of what a real ffmpeg publishes, a headless peer of the middle one, and
viewers in Chromium that go from one rendition to the next. Then compares all segments of all renditions.

  --viewers <n>   viewers in Chromium (default 2)
  --seconds <n>   how long they go round (default 300)
  --stay-s <n>    seconds that they stay (default 10)
  --lab           instead, for 60 s or --seconds: which renditions a viewer in the mesh and one with plain hls.js choose
                  behind lines of 1.5 times the middle one, on hosts of an emulated network. Linux, root
  --help          this text

Ends with one JSON line; the exit status is 1 unless all segments are cut at the same pictures, no viewer stalled
or had a hole in its buffer, and each rendition came over the mesh; with --lab, unless the viewer in the mesh stays
within one step of the other one's mean choice, and changes about as often.`;

const MESH_SHARE_MIN = 0.3;
/** Two runs of plain hls.js differ by as much. */
const CHANGES_MORE_MAX = 2;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      viewers: { type: "string", default: "2" },
      seconds: { type: "string" },
      "stay-s": { type: "string", default: "10" },
      lab: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return;
  }
  if (values.lab) {
    await runLab(Number(values.seconds ?? 60));
    return;
  }
  const run = await runLadder({
    viewers: Number(values.viewers),
    seconds: Number(values.seconds ?? 300),
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

async function runLab(seconds: number): Promise<void> {
  const lacking = await Lab.lacks();
  if (lacking !== undefined) {
    console.error(`--lab: ${lacking}`);
    process.exitCode = 1;
    return;
  }
  const { starling, plain } = await runAbr({ seconds, tell: console.log });
  const line = ({ renditions, p2pShare, ...counts }: AbrViewer): object => ({
    ...counts,
    meanRendition: rounded(mean(renditions)),
    p2pShare: rounded(p2pShare),
  });
  console.log(
    JSON.stringify({ bench: "ladder-lab", starling: line(starling), plain: line(plain) }),
  );
  const isNear = Math.abs(mean(starling.renditions) - mean(plain.renditions)) <= 1;
  if (!isNear || starling.changes > plain.changes + CHANGES_MORE_MAX) process.exitCode = 1;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}

if (process.argv[1] === import.meta.filename) await main();
