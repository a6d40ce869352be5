import { instantMs, type Message } from "../core/index.ts";
import type { Host } from "./host.ts";
import type { Links } from "./links.ts";
import type { AttackResult } from "./run-result.ts";

/** An attacker shall be caught within this of its first honest neighbour. */
const CATCH_WITHIN_MS = 30_000;
/** A symbol that was promised and not given may be bad luck, more are not: so the protocol sees it too. */
const DISTRUST_BELOW = -1;
/** A peer that fewer honest peers have dealt with is not judged. */
const JUDGES_MIN = 2;
/** Above the number of hosts that any run has, so that two of them make one number. */
const HOSTS_MAX = 2 ** 24;

interface Suspect {
  readonly isAttacker: boolean;
  /** Those who cut it off for what no honest peer sends. */
  readonly accusers: Set<Host>;
  readonly metAt: number;
  caughtAt: number;
}

/** The honest viewers that a peer is connected to, and those of them that distrust it. */
interface Votes {
  honest: number;
  distrusting: number;
}

/**
 * Watches an attack. A peer is caught once at least half of the honest viewers that it is connected to,
 * or that have cut it off for bad data, distrust it; an attacker also when it is connected to none.
 */
export class AttackMonitor {
  readonly #suspects = new Map<Host, Suspect>();
  /** Since when a viewer has had attackers only as its neighbours. */
  readonly #eclipsedSince = new Map<Host, number>();
  /** For each pair of an attacker and an honest viewer, when the first symbol came. */
  readonly #firstSymbolAt = new Map<number, number>();
  #cutMaxMs: number | undefined;
  #eclipsedMaxMs = 0;
  #defenceBytes = 0;

  /** An honest viewer's uplink took a message. */
  sent(now: number, host: Host, to: Host, message: Message, wireBytes: number): void {
    if (message.type === "evidence") this.#defenceBytes += wireBytes;
    if (message.type !== "bye") return;
    const isAccused = message.code === "bad-data" || message.code === "protocol-error";
    if (!isAccused) return;
    this.#suspect(to, now).accusers.add(host);
    const firstAt = this.#firstSymbolAt.get(pairOf(to, host));
    if (firstAt !== undefined) this.#cutMaxMs = Math.max(this.#cutMaxMs ?? 0, now - firstAt);
  }

  /** A message came to a host. */
  received(now: number, from: Host, host: Host, message: Message): void {
    if (message.type !== "symbol" || !from.isAttacker || host.isAttacker || host.isSeed) return;
    const pair = pairOf(from, host);
    if (!this.#firstSymbolAt.has(pair)) this.#firstSymbolAt.set(pair, now);
  }

  /** A second has passed. */
  tick(now: number, hosts: readonly Host[], links: Links): void {
    const votes = new Map<Host, Votes>();
    for (const host of hosts) {
      if (!host.isPresent || host.isSeed || host.isAttacker) continue;
      const neighbours = Array.from(
        host.links.values(),
        (direction) => hosts[links.to(direction)] as Host,
      );
      this.#eclipse(now, host, neighbours);
      for (const other of neighbours) if (!other.isSeed) vote(votes, now, host, other);
    }
    this.#judge(now, votes);
  }

  result(now: number, attackers: number): Omit<AttackResult, "victimMiss"> {
    for (const since of this.#eclipsedSince.values()) this.#eclipsedFor(now - since);
    const suspects = [...this.#suspects.values()];
    const bad = suspects.filter(({ isAttacker }) => isAttacker);
    const good = suspects.filter(({ isAttacker }) => !isAttacker);
    const shareOf = (part: readonly Suspect[], whole: readonly Suspect[]) =>
      whole.length === 0 ? 0 : part.length / whole.length;
    const caught = (some: readonly Suspect[]) => some.filter(({ caughtAt }) => caughtAt <= now);
    return {
      attackers,
      caught: shareOf(caught(bad), bad),
      caughtWithin30S: shareOf(
        bad.filter(({ metAt, caughtAt }) => caughtAt - metAt <= CATCH_WITHIN_MS),
        bad,
      ),
      caughtAfterS: medianS(bad.map(({ metAt, caughtAt }) => caughtAt - metAt)),
      cutMaxMs: this.#cutMaxMs ?? null,
      falselyCaught: shareOf(caught(good), good),
      badAccepted: 0, // The checker of verified bytes ends a run in which one is.
      badForwarded: 0,
      eclipsedMaxS: this.#eclipsedMaxMs / 1000,
      defenceBytes: this.#defenceBytes,
    };
  }

  #judge(now: number, votes: ReadonlyMap<Host, Votes>): void {
    for (const [host, { honest, distrusting }] of votes) {
      const suspect = this.#suspect(host, now);
      const { size } = suspect.accusers;
      const isCaught = honest + size >= JUDGES_MIN && distrusting + size >= (honest + size) / 2;
      if (isCaught) suspect.caughtAt = Math.min(suspect.caughtAt, now);
    }
    for (const [host, suspect] of this.#suspects) {
      const isShunned = suspect.isAttacker && host.isPresent && !votes.has(host);
      if (isShunned) suspect.caughtAt = Math.min(suspect.caughtAt, now);
    }
  }

  #suspect(host: Host, now: number): Suspect {
    const known = this.#suspects.get(host);
    if (known !== undefined) return known;
    const { isAttacker } = host;
    const caughtAt = Number.POSITIVE_INFINITY;
    const suspect = { isAttacker, accusers: new Set<Host>(), metAt: now, caughtAt };
    this.#suspects.set(host, suspect);
    return suspect;
  }

  #eclipse(now: number, host: Host, neighbours: readonly Host[]): void {
    const isEclipsed = neighbours.length > 0 && neighbours.every(({ isAttacker }) => isAttacker);
    const since = this.#eclipsedSince.get(host);
    if (isEclipsed && since === undefined) this.#eclipsedSince.set(host, now);
    if (isEclipsed || since === undefined) return;
    this.#eclipsedFor(now - since);
    this.#eclipsedSince.delete(host);
  }

  #eclipsedFor(durationMs: number): void {
    this.#eclipsedMaxMs = Math.max(this.#eclipsedMaxMs, durationMs);
  }
}

function pairOf(from: Host, to: Host): number {
  return from.index * HOSTS_MAX + to.index;
}

/** The median of times in ms, in seconds; null if it is infinite, or there is none. */
function medianS(timesMs: readonly number[]): number | null {
  const median = timesMs.toSorted((a, b) => a - b)[Math.floor(timesMs.length / 2)];
  return median === undefined || median === Number.POSITIVE_INFINITY ? null : median / 1000;
}

function vote(votes: Map<Host, Votes>, now: number, judge: Host, other: Host): void {
  const counted = votes.get(other) ?? { honest: 0, distrusting: 0 };
  votes.set(other, counted);
  counted.honest++;
  if ((judge.peer.standing?.(instantMs(now), other.id) ?? 0) < DISTRUST_BELOW)
    counted.distrusting++;
}
