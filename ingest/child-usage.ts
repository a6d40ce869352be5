import { readFile } from "node:fs/promises";

/** Linux counts in hundredths of a second, whatever its kernel's own tick is. */
const TICKS_PER_S = 100;
const PAGE_BYTES = 4096;
/** Fields of /proc/<pid>/stat after the name in brackets (proc(5)). */
const USER_TICKS = 11;
const SYSTEM_TICKS = 12;
const RESIDENT_PAGES = 21;

/** What a child takes of the machine. */
export interface ChildUsage {
  /** Share of one core since the last look: 1 is a whole core. */
  readonly cpuCores: number;
  readonly memoryBytes: number;
}

/** Measures one process after the other; undefined where there is no /proc, and at the first look. */
export class UsageMeter {
  #last: { readonly pid: number; readonly cpuS: number; readonly atMs: number } | undefined;
  #usage: ChildUsage | undefined;

  get usage(): ChildUsage | undefined {
    return this.#usage;
  }

  /** Looks at a process; call it about once a second. `nowMs` is of any steady clock. */
  async look(pid: number | undefined, nowMs: number): Promise<void> {
    const found = pid === undefined ? undefined : await timesOf(pid);
    if (pid === undefined || found === undefined) {
      this.#last = undefined;
      this.#usage = undefined;
      return;
    }
    const { cpuS, memoryBytes } = found;
    if (this.#last?.pid === pid && nowMs > this.#last.atMs) {
      const cores = (cpuS - this.#last.cpuS) / ((nowMs - this.#last.atMs) / 1000);
      this.#usage = { cpuCores: Math.round(cores * 1000) / 1000, memoryBytes };
    }
    this.#last = { pid, cpuS, atMs: nowMs };
  }
}

async function timesOf(pid: number): Promise<{ cpuS: number; memoryBytes: number } | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const number = (index: number) => Number(fields[index] ?? 0);
  return {
    cpuS: (number(USER_TICKS) + number(SYSTEM_TICKS)) / TICKS_PER_S,
    memoryBytes: number(RESIDENT_PAGES) * PAGE_BYTES,
  };
}
