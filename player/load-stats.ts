import type { LoaderStats } from "hls.js";

/** What a request would have waited for its first byte. */
const FIRST_BYTE_MS = 10;

/**
 * Fills in what hls.js measures the bandwidth by, for bytes that came from the mesh: as if they had been
 * loaded just now, in the time that their transfer took. Bytes from memory would look like an endless
 * bandwidth, and bytes that were waited for at the live edge like a small one.
 */
export function stampStats(
  stats: LoaderStats,
  transfer: { readonly nowMs: number; readonly byteLength: number; readonly transferMs: number },
): void {
  const { nowMs, byteLength, transferMs } = transfer;
  const start = Math.max(1, nowMs - transferMs - FIRST_BYTE_MS);
  const first = Math.min(start + FIRST_BYTE_MS, nowMs);
  Object.assign(stats.loading, { start, first, end: nowMs });
  stats.loaded = byteLength;
  stats.total = byteLength;
}

/**
 * While bytes of the mesh are waited for there is nothing to measure: hls.js takes a load that is complete for one
 * that it need not abandon.
 */
export function stampWaiting(stats: LoaderStats, nowMs: number): void {
  stats.loading.start = nowMs;
  stats.loaded = 1;
  stats.total = 1;
}

/** Makes the stats those of a load that is about to start. */
export function clearStats(stats: LoaderStats): void {
  stats.loading.start = 0;
  stats.loaded = 0;
  stats.total = 0;
}
