import type { SimJob, SimRun } from "./sim-pool.ts";
import type { Terminal } from "./terminal.ts";

const BAR_CELLS = 24;
const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/** Shows how far some runs are and how long the rest will take. */
export class SimProgress {
  readonly #terminal: Terminal;
  readonly #jobs: readonly SimJob[];
  readonly #startedAtMs = performance.now();
  readonly #shares: number[];
  #done = 0;

  constructor(terminal: Terminal, jobs: readonly SimJob[]) {
    this.#terminal = terminal;
    this.#jobs = jobs;
    this.#shares = jobs.map(() => 0);
  }

  onProgress(index: number, share: number): void {
    this.#shares[index] = share;
    this.#show();
  }

  onDone(index: number, { result, wallS, heapMiB }: SimRun): void {
    this.#shares[index] = 1;
    this.#done++;
    const world = this.#jobs[index]?.world.label;
    this.#terminal.write(
      `${world}: ${result.protocol}, seed ${result.seed}, trace hash ${result.traceHash}, ${wallS.toFixed(1)} s, ${Math.round(heapMiB)} MiB`,
    );
    this.#show();
  }

  close(): void {
    this.#terminal.clearStatus();
  }

  #show(): void {
    const share = this.#shares.reduce((sum, one) => sum + one, 0) / this.#jobs.length;
    const passedS = (performance.now() - this.#startedAtMs) / 1000;
    const left = share === 0 ? "" : `, ${duration((passedS / share) * (1 - share))} left`;
    const runs = `${this.#done} of ${this.#jobs.length} ${this.#jobs.length === 1 ? "run" : "runs"}`;
    this.#terminal.status(
      runs,
      `${bar(share)} ${Math.floor(100 * share)} %, ${runs}, ${duration(passedS)}${left}`,
    );
  }
}

function bar(share: number): string {
  const eighths = Math.round(share * BAR_CELLS * 8);
  return ("█".repeat(eighths >> 3) + (EIGHTHS[eighths & 7] ?? "")).padEnd(BAR_CELLS, "░");
}

/** "12 s", "3 min 05 s". */
function duration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
}
