import { assert } from "../core/index.ts";
import { EventQueue } from "./event-queue.ts";

/** One piece that has to reach all of N viewers, and who can send how fast. */
export interface Broadcast {
  readonly originBps: number;
  /** One entry a viewer; 0 for one that sends nothing. */
  readonly uplinksBps: readonly number[];
  readonly bits: number;
  /** From the last bit sent to the first bit passed on: about 1/2 RTT for a push, 3/2 RTT for a pull. */
  readonly hopS: number;
  /** Most copies of the piece that one viewer sends. */
  readonly degreeMax?: number;
}

/**
 * When each viewer has the piece (seconds, ascending), if a planner who knows everything serves the
 * fastest first and each sender sends one copy after another. The optimum itself where all uplinks are
 * equal (Bar-Noy and Kipnis, the postal model; k-step Fibonacci numbers under a degree, Bianchi et al.,
 * arXiv 0902.1394); where they differ, a schedule that can be kept and is within a few per cent of it.
 * Shorter than the viewers when a degree leaves some of them without a sender.
 */
export function greedyBroadcastS(broadcast: Broadcast): readonly number[] {
  const { originBps, bits, hopS, degreeMax = Number.POSITIVE_INFINITY } = broadcast;
  const arrivals: number[] = [];
  const ends = new EventQueue(); // When each sender's next copy is out; the argument is the sender.
  const ratesBps = [originBps];
  const copies = [Number.NEGATIVE_INFINITY]; // The origin may send any number.
  ends.push(bits / originBps, 0, 0);
  for (const uplinkBps of fastestFirst(broadcast)) {
    if (!ends.next(Number.POSITIVE_INFINITY)) break;
    const { timeMs: endS, argument: sender } = ends;
    const rateBps = ratesBps[sender] ?? 0;
    const sent = (copies[sender] ?? 0) + 1;
    copies[sender] = sent;
    if (sent < degreeMax) ends.push(endS + bits / rateBps, 0, sender);
    arrivals.push(endS + hopS);
    if (uplinkBps > 0) ends.push(endS + hopS + bits / uplinkBps, 0, ratesBps.length);
    ratesBps.push(uplinkBps);
    copies.push(0);
  }
  return arrivals.sort((a, b) => a - b);
}

/**
 * No schedule brings the piece to its i-th viewer before the i-th of these times (seconds, ascending): the
 * fluid relaxation, in which copies flow in fractions.
 */
export function lowerBroadcastS(broadcast: Broadcast): readonly number[] {
  const { originBps, bits, hopS } = broadcast;
  const uplinksBps = fastestFirst(broadcast);
  const arrivals: number[] = [];
  let copiesPerS = originBps / bits;
  let copies = 0;
  let nowS = 0;
  let started = 0; // Viewers that have begun to send, in the order of their arrivals.
  while (arrivals.length < uplinksBps.length) {
    const nextCopyS = nowS + (arrivals.length + 1 - copies) / copiesPerS;
    const nextStartS = arrivals[started] ?? Number.POSITIVE_INFINITY;
    if (nextStartS < nextCopyS) {
      copies += copiesPerS * (nextStartS - nowS);
      nowS = nextStartS;
      copiesPerS += (uplinksBps[started] ?? 0) / bits;
      started++;
    } else {
      nowS = nextCopyS;
      arrivals.push(nowS + hopS);
      copies = arrivals.length;
    }
  }
  return arrivals;
}

/**
 * No schedule brings all of `bits`, released at once and cut into `pieces`, to the last viewer before this
 * (seconds): the origin has to send every piece once, and the last of them has to spread.
 */
export function segmentFloorS(broadcast: Broadcast, pieces: number): number {
  const { originBps, uplinksBps } = broadcast;
  const bits = broadcast.bits / pieces;
  const lastS = greedyBroadcastS({ ...broadcast, bits }).at(-1) ?? 0;
  const totalBps = originBps + sum(uplinksBps);
  return Math.max(
    ((pieces - 1) * bits) / originBps + lastS,
    (uplinksBps.length * broadcast.bits) / totalBps,
  );
}

function fastestFirst({ uplinksBps, originBps, bits }: Broadcast): readonly number[] {
  assert(originBps > 0 && bits > 0, "a broadcast has a source and something to send");
  return [...uplinksBps].sort((a, b) => b - a);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
