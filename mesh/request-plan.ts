import { symbolLength } from "../core/index.ts";
import type { Block } from "./block-cache.ts";
import { REQUESTED_BYTES_MAX } from "./limits.ts";
import type { Neighbour, PendingSymbol } from "./neighbour.ts";

type PlannedSymbol = Omit<PendingSymbol, "expiresAt">;

/**
 * What to ask whom, so that the block gets the symbols that it still needs and nobody was asked for:
 * each from the best neighbour that has it. Peers start at different places (`firstEsi`), so that
 * those who share a seed fetch different symbols and can trade them.
 */
export function planRequests(
  block: Block,
  neighbours: readonly Neighbour[],
  firstEsi: number,
): Map<Neighbour, PlannedSymbol[]> {
  const plan = new Map<Neighbour, PlannedSymbol[]>();
  const { decoder, manifest, key } = block;
  if (decoder === undefined) return plan;
  const { fec, byteLength } = manifest;
  const pending = pendingOf(key, neighbours);
  let lacking = decoder.needed - pending.size;
  for (const esi of inOrder(block, firstEsi)) {
    if (lacking <= 0) break;
    if (decoder.has(esi) || pending.has(esi)) continue;
    const symbol = { key, block: manifest.block, esi, bytes: symbolLength(fec, byteLength, esi) };
    const neighbour = bestFor(symbol, neighbours, plan);
    if (neighbour === undefined) continue;
    const planned = plan.get(neighbour) ?? [];
    planned.push(symbol);
    plan.set(neighbour, planned);
    lacking--;
  }
  return plan;
}

function pendingOf(key: string, neighbours: readonly Neighbour[]): Set<number> {
  const pending = new Set<number>();
  for (const neighbour of neighbours) {
    for (const symbol of neighbour.pending.values())
      if (symbol.key === key) pending.add(symbol.esi);
  }
  return pending;
}

/**
 * Source symbols first, since they need no decoding, then repair symbols, and last of all those that
 * were asked for in vain: any K of N will do.
 */
function inOrder({ manifest, lapsed }: Block, firstEsi: number): number[] {
  const { k, n } = manifest.fec;
  const all = Array.from({ length: n }, (_, esi) => (esi < k ? (esi + firstEsi) % k : esi));
  return [...all.filter((esi) => !lapsed.has(esi)), ...all.filter((esi) => lapsed.has(esi))];
}

/** The least busy neighbour that has the symbol; those that let requests lapse come last. */
function bestFor(
  { key, esi, bytes }: PlannedSymbol,
  neighbours: readonly Neighbour[],
  plan: ReadonlyMap<Neighbour, readonly PlannedSymbol[]>,
): Neighbour | undefined {
  let best: { neighbour: Neighbour; busyBytes: number } | undefined;
  for (const neighbour of neighbours) {
    if (!neighbour.has(key, esi)) continue;
    const busyBytes = neighbour.pendingBytes + (plan.get(neighbour)?.length ?? 0) * bytes;
    if (busyBytes + bytes > REQUESTED_BYTES_MAX) continue;
    const lateBy = best === undefined ? -1 : neighbour.lateCount - best.neighbour.lateCount;
    if (best === undefined || lateBy < 0 || (lateBy === 0 && busyBytes < best.busyBytes)) {
      best = { neighbour, busyBytes };
    }
  }
  return best?.neighbour;
}
