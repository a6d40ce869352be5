import { assert } from "../core/index.ts";

/** Who can send how much. */
export interface Supply {
  readonly originBps: number;
  /** One entry a viewer; 0 for one that sends nothing. */
  readonly uplinksBps: readonly number[];
}

/** Some viewers with one uplink. */
export interface UplinkClass {
  /** Mean number of viewers. */
  readonly count: number;
  readonly uplinkBps: number;
}

/** The highest rate that all viewers can get (Kumar, Liu and Ross, INFOCOM 2007): min(u_s, (u_s + sum u_i) / N). */
export function maxRateBps({ originBps, uplinksBps }: Supply): number {
  return Math.min(originBps, (originBps + total(uplinksBps)) / uplinksBps.length);
}

/** Viewers' uplinks as a multiple of what the viewers play. */
export function supplyRatio(uplinksBps: readonly number[], rateBps: number): number {
  return total(uplinksBps) / (uplinksBps.length * rateBps);
}

/**
 * The least that an origin has to send (bits per second) when each viewer receives `overheadRatio` more than it
 * plays: every bit once, and what the viewers lack.
 */
export function minOriginBps(
  uplinksBps: readonly number[],
  rateBps: number,
  overheadRatio = 0,
): number {
  const receivedBps = rateBps * (1 + overheadRatio);
  return Math.max(receivedBps, uplinksBps.length * receivedBps - total(uplinksBps));
}

/** 1 - the least origin bytes / played bytes. */
export function maxOffload(
  uplinksBps: readonly number[],
  rateBps: number,
  overheadRatio = 0,
): number {
  return 1 - minOriginBps(uplinksBps, rateBps, overheadRatio) / (uplinksBps.length * rateBps);
}

/** Bytes that have to be sent again or in advance, per byte, when a share of all is lost: p / (1 - p). */
export function lossOverheadRatio(lossRatio: number): number {
  return lossRatio / (1 - lossRatio);
}

/**
 * The fewest symbols of an MDS code of which fewer than `k` arrive with a probability of at most
 * `failureMax`, each being lost independently. Also how many parents stand in for k, each being gone for a
 * share of the time.
 */
export function minSymbols(k: number, lossRatio: number, failureMax: number): number {
  assert(k >= 1 && lossRatio >= 0 && lossRatio < 1 && failureMax > 0, "a code and a loss");
  let n = k;
  while (shortfallProbability(k, n, lossRatio) > failureMax) n++;
  return n;
}

/** The share of time in which a parent is gone, when parents stay `sessionS` and are replaced after `repairS`. */
export function outageRatio(sessionS: number, repairS: number): number {
  return repairS / (sessionS + repairS);
}

/** The probability that all `degree` neighbours, drawn at random, belong to a share of the peers. */
export function eclipseProbability(attackerShare: number, degree: number): number {
  return attackerShare ** degree;
}

/** The rate that is left when a share of all uplinks is withheld, at the same number of viewers. */
export function withheldRateBps({ originBps, uplinksBps }: Supply, withheldShare: number): number {
  return (originBps + (1 - withheldShare) * total(uplinksBps)) / uplinksBps.length;
}

/**
 * The probability that supply meets demand when viewers come and go: Poisson numbers of each class, in the
 * normal approximation (after Kumar, Liu and Ross, INFOCOM 2007).
 */
export function feasibilityProbability(
  originBps: number,
  classes: readonly UplinkClass[],
  rateBps: number,
): number {
  const surplus = classes.map(({ count, uplinkBps }) => ({ count, bps: uplinkBps - rateBps }));
  const mean = originBps + total(surplus.map(({ count, bps }) => count * bps));
  const variance = total(surplus.map(({ count, bps }) => count * bps ** 2));
  return variance > 0 ? normalCdf(mean / Math.sqrt(variance)) : Number(mean >= 0);
}

/** How a crowd comes in: all of it waits, and each viewer starts once it has `bufferS` of the stream. */
export interface FlashCrowd {
  readonly fromViewers: number;
  readonly toViewers: number;
  /** The origin's uplink as a multiple of the stream's rate. */
  readonly originRatio: number;
  /** supplyRatio of the mix. */
  readonly supplyRatio: number;
  readonly bufferS: number;
}

/**
 * The least time (seconds) in which a crowd can be absorbed: what the origin and the X viewers that have started
 * send beyond what they play fills the newcomers' buffers, dX/dt <= (u_s/r + (rho - 1) X) / b.
 * Infinity where the origin and the viewers have nothing to spare.
 */
export function flashCrowdS(crowd: FlashCrowd): number {
  const { fromViewers, toViewers, originRatio, bufferS } = crowd;
  const surplus = crowd.supplyRatio - 1;
  if (toViewers <= fromViewers) return 0;
  if (surplus === 0) return ((toViewers - fromViewers) * bufferS) / originRatio;
  const start = originRatio + surplus * fromViewers;
  const end = originRatio + surplus * toViewers;
  if (start <= 0 || end <= 0) return Number.POSITIVE_INFINITY;
  return (bufferS / surplus) * Math.log(end / start);
}

/** P[Bin(n, 1 - loss) < k]. */
function shortfallProbability(k: number, n: number, lossRatio: number): number {
  if (lossRatio === 0) return n < k ? 1 : 0;
  const arriveLog = Math.log1p(-lossRatio);
  const lossLog = Math.log(lossRatio);
  let choicesLog = 0; // ln of "n choose arrived"
  let probability = 0;
  for (let arrived = 0; arrived < k; arrived++) {
    probability += Math.exp(choicesLog + arrived * arriveLog + (n - arrived) * lossLog);
    choicesLog += Math.log((n - arrived) / (arrived + 1));
  }
  return probability;
}

/** Abramowitz and Stegun 7.1.26: absolute error below 1.5e-7. */
function normalCdf(z: number): number {
  const x = Math.abs(z) / Math.SQRT2;
  const t = 1 / (1 + 0.327_591_1 * x);
  const series =
    t *
    (0.254_829_592 +
      t * (-0.284_496_736 + t * (1.421_413_741 + t * (-1.453_152_027 + t * 1.061_405_429))));
  const tail = 0.5 * series * Math.exp(-x * x);
  return z < 0 ? tail : 1 - tail;
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
