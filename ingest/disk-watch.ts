import { statfs } from "node:fs/promises";
import type { Logger } from "pino";
import { DiskUsage } from "./disk-usage.ts";

/** `high`: an alarm. `critical`: the oldest media are removed early. `full`: writing fails, or soon will. */
export type DiskLevel = "ok" | "high" | "critical" | "full";

/** How much room there is for media. */
export interface DiskStatus {
  readonly level: DiskLevel;
  /** Bytes that the media folder holds. */
  readonly usedBytes: number;
  /** What it may come to hold: the quota, or less when the disk has less. */
  readonly limitBytes: number;
  /** What the disk has left for anybody. */
  readonly freeBytes: number;
}

const HIGH_SHARE = 0.85;
const CRITICAL_SHARE = 0.95;
/** How far the oldest media are removed. */
const GOAL_SHARE = 0.9;
/** What is left to others on the disk, Redis among them. */
const RESERVE_SHARE = 0.02;
const RESERVE_BYTES_MAX = 512_000_000;
/** Below this a segment may not fit any more. */
const FULL_SHARE = 0.005;
const FULL_BYTES_MAX = 16_000_000;

/** What the watch needs to know and whom to ask. */
export interface DiskWatchOptions {
  readonly mediaRoot: string;
  /** Undefined: what the disk holds. */
  readonly quotaBytes: number | undefined;
  /** Removes at least so many bytes of the oldest media, as far as that may be. */
  readonly shed: (byteLength: number) => Promise<void>;
  readonly log: Logger;
}

/** Raises the alarm before the disk or the quota is full, and has the oldest media removed when it is. */
export class DiskWatch {
  readonly #options: DiskWatchOptions;
  readonly #usage: DiskUsage;
  #status: DiskStatus = { level: "ok", usedBytes: 0, limitBytes: 0, freeBytes: 0 };

  constructor(options: DiskWatchOptions) {
    this.#options = options;
    this.#usage = new DiskUsage(options.mediaRoot);
  }

  /** As it was at the last look. */
  get status(): DiskStatus {
    return this.#status;
  }

  /** Measures, and makes room if there is too little; call it every few seconds. */
  async look(): Promise<void> {
    const before = this.#status.level;
    this.#status = await this.#measure();
    if (this.#status.level !== before) this.#tell();
    const { level, usedBytes, limitBytes } = this.#status;
    if (level !== "critical" && level !== "full") return;
    await this.#options.shed(Math.ceil(usedBytes - GOAL_SHARE * limitBytes));
  }

  async #measure(): Promise<DiskStatus> {
    const { mediaRoot, quotaBytes = Number.POSITIVE_INFINITY } = this.#options;
    const [usedBytes, { bavail, blocks, bsize }] = await Promise.all([
      this.#usage.bytes(),
      statfs(mediaRoot),
    ]);
    const freeBytes = bavail * bsize;
    const diskBytes = blocks * bsize;
    const reserveBytes = Math.min(RESERVE_SHARE * diskBytes, RESERVE_BYTES_MAX);
    const roomBytes = usedBytes + freeBytes - reserveBytes;
    const limitBytes = Math.max(0, Math.floor(Math.min(quotaBytes, roomBytes)));
    const isFull = freeBytes < Math.min(FULL_SHARE * diskBytes, FULL_BYTES_MAX);
    const level = isFull ? "full" : levelOf(usedBytes / Math.max(1, limitBytes));
    return { level, usedBytes, limitBytes, freeBytes };
  }

  #tell(): void {
    const { level, usedBytes, limitBytes } = this.#status;
    const severity = ({ ok: "info", high: "warn", critical: "warn", full: "error" } as const)[
      level
    ];
    this.#options.log[severity]({ disk: this.#status }, WORDS[level](usedBytes, limitBytes));
  }
}

const WORDS: Readonly<Record<DiskLevel, (usedBytes: number, limitBytes: number) => string>> = {
  ok: () => "the media have room again",
  high: (used, limit) =>
    `the media take ${megabytes(used)} of ${megabytes(limit)} MB: keep fewer segments, or give them more room`,
  critical: (used, limit) =>
    `the media take ${megabytes(used)} of ${megabytes(limit)} MB: the oldest are removed early`,
  full: () => "the disk of the media is full: segments are lost until there is room",
};

function levelOf(share: number): DiskLevel {
  if (share >= CRITICAL_SHARE) return "critical";
  return share >= HIGH_SHARE ? "high" : "ok";
}

function megabytes(byteLength: number): number {
  return Math.round(byteLength / 1e6);
}
