import type { NeighbourReport } from "./mesh-messages.ts";
/** Counts since the start, and how it does now. */
export interface ViewerReport {
  readonly fromPeersBytes: number;
  readonly fromSeedsBytes: number;
  /** What was told by `countHttp`, and blocks that the mesh fetched. */
  readonly fromHttpBytes: number;
  readonly uploadedBytes: number;
  /** What it sends at the most now, bits a second: the share of what its line was measured to take. */
  readonly uploadBitsPerSMax: number;
  readonly blocks: number;
  readonly missing: number;
  /** Refusals by code. */
  readonly rejected: Readonly<Record<string, number>>;
  readonly neighbours: readonly NeighbourReport[];
  /** Whether verification and decoding have a thread of their own. */
  readonly isInWorker: boolean;
}

/** Of a viewer that was never there. */
export const NO_REPORT: ViewerReport = {
  fromPeersBytes: 0,
  fromSeedsBytes: 0,
  fromHttpBytes: 0,
  uploadedBytes: 0,
  uploadBitsPerSMax: 0,
  blocks: 0,
  missing: 0,
  rejected: {},
  neighbours: [],
  isInWorker: false,
};

/** The counts of two reports, and the second one's present. */
export function sumReports(past: ViewerReport, now: ViewerReport): ViewerReport {
  const rejected: Record<string, number> = { ...past.rejected };
  for (const [code, count] of Object.entries(now.rejected)) {
    rejected[code] = (rejected[code] ?? 0) + count;
  }
  return {
    ...now,
    fromPeersBytes: past.fromPeersBytes + now.fromPeersBytes,
    fromSeedsBytes: past.fromSeedsBytes + now.fromSeedsBytes,
    fromHttpBytes: past.fromHttpBytes + now.fromHttpBytes,
    uploadedBytes: past.uploadedBytes + now.uploadedBytes,
    blocks: past.blocks + now.blocks,
    missing: past.missing + now.missing,
    rejected,
  };
}
