import {
  type EvidenceRecord,
  evidenceMessage,
  fromBase64Url,
  type InstantMs,
  instantMs,
  type Message,
  StarlingError,
} from "../core/index.ts";
import { EVIDENCE_EVERY_MS, EVIDENCE_NEWS_AFTER_MS } from "./limits.ts";
import type { MeshState } from "./mesh-state.ts";
import type { Neighbour } from "./neighbour.ts";

/** Evidence that is older, or from further in the future, is refused. */
const EVIDENCE_AGE_MAX_S = 30;
/** A neighbour that gave this many symbols is fully trusted as a witness. */
const TRUST_SYMBOLS = 50;
/** One witness weighs no more than this many symbols on one subject at a time. */
const BALANCE_MAX = 4;
/** Records in one message: of those that were cut off or failed, of whom there may be many, no more than half. */
const RECORDS_MAX = 8;
const FAILURES_MAX = RECORDS_MAX / 2;
const KIB_PER_SYMBOL = 16;
/** What one that was cut off counts as having failed: as much as most give, so that half of a vote at a seed is against it. */
const CONVICTED_FAILED = 500;

/**
 * Gossip: each peer signs what it saw of its neighbours itself, and takes what neighbours saw of those
 * that it knows too, weighed by what these have proved to itself. There is no list of all peers.
 */
export class Evidence {
  readonly #state: MeshState;
  #toldAt: InstantMs = instantMs(Number.NEGATIVE_INFINITY);
  /** Those that were cut off for what no honest peer sends, and until when that is told; the newest last. */
  readonly #convictedUntil = new Map<string, InstantMs>();

  constructor(state: MeshState) {
    this.#state = state;
  }

  /** Tells until then of a peer that was cut off for what no honest peer sends. */
  convict(id: string, until: InstantMs): void {
    this.#convictedUntil.set(id, until);
    const soonAt = this.#state.now - EVIDENCE_EVERY_MS + EVIDENCE_NEWS_AFTER_MS;
    this.#toldAt = instantMs(Math.min(this.#toldAt, soonAt));
    const [oldest] = this.#convictedUntil.keys();
    if (this.#convictedUntil.size > FAILURES_MAX && oldest !== undefined) {
      this.#convictedUntil.delete(oldest);
    }
  }

  /** Tells neighbours what this peer saw, when that is due. */
  run(now: InstantMs): void {
    if (now - this.#toldAt < EVIDENCE_EVERY_MS) return;
    this.#toldAt = now;
    const records = this.#records(now);
    if (records.length === 0) return;
    const { crypto, peer } = this.#state.options;
    const issuedAtS = Math.floor(now / 1000);
    const signature = crypto.sign(evidenceMessage(issuedAtS, records), peer.secretKey);
    for (const neighbour of this.#state.ready) {
      this.#state.send(neighbour, { type: "evidence", records, issuedAtS, signature });
    }
  }

  /** Weighs what a neighbour saw. Throws StarlingError "evidence-stale" or "evidence-bad-signature". */
  received(
    now: InstantMs,
    witness: Neighbour,
    { records, issuedAtS, signature }: Extract<Message, { type: "evidence" }>,
  ): void {
    if (Math.abs(now / 1000 - issuedAtS) > EVIDENCE_AGE_MAX_S) {
      throw new StarlingError("evidence-stale", "The evidence is not of the last half minute.");
    }
    const trust = this.#isSeed ? 1 : Math.min(1, witness.score.value(now) / TRUST_SYMBOLS);
    if (trust <= 0) return;
    const { crypto } = this.#state.options;
    const message = evidenceMessage(issuedAtS, records);
    if (!crypto.verify(signature, message, fromBase64Url(witness.id))) {
      throw new StarlingError("evidence-bad-signature", "The witness did not sign this.");
    }
    const votes = this.#isSeed ? sharesOf(records) : balancesOf(records);
    for (const [at, { subject }] of records.entries()) {
      const neighbour = this.#state.neighbours.get(subject);
      if (neighbour === undefined || neighbour === witness) continue;
      neighbour.score.heard(now, witness.id, votes[at] as number, trust);
    }
  }

  get #isSeed(): boolean {
    return this.#state.options.role === "seed";
  }

  /** What was seen of those that were cut off, failed most or gave most. */
  #records(now: InstantMs): readonly EvidenceRecord[] {
    const seen = this.#state.ready.flatMap(({ id, isSeed, score }) =>
      isSeed ? [] : [{ subject: id, ...score.evidence(now) }],
    );
    for (const [id, until] of this.#convictedUntil) {
      if (until <= now) this.#convictedUntil.delete(id);
    }
    const convicted = this.#convictedUntil.size;
    const worst = seen
      .filter(({ failed }) => failed >= 1)
      .sort((a, b) => b.failed - a.failed)
      .slice(0, FAILURES_MAX - convicted);
    const best = seen
      .filter((one) => one.delivered >= 1 && !worst.includes(one))
      .sort((a, b) => b.delivered - a.delivered)
      .slice(0, RECORDS_MAX - worst.length - convicted);
    const cut = Array.from(this.#convictedUntil.keys(), (subject) => {
      return { subject, delivered: 0, failed: CONVICTED_FAILED };
    });
    return [...cut, ...worst, ...best].map((one) => ({
      subject: one.subject,
      deliveredKib: Math.round(one.delivered * KIB_PER_SYMBOL),
      failed: Math.min(0xff_ff, Math.round(one.failed)),
    }));
  }
}

function balancesOf(records: readonly EvidenceRecord[]): number[] {
  return records.map(({ deliveredKib, failed }) => {
    const balance = deliveredKib / KIB_PER_SYMBOL - failed;
    return Math.min(BALANCE_MAX, Math.max(-BALANCE_MAX, balance));
  });
}

/** A seed gets nothing of viewers and trusts all alike: each has one vote, shared as it was served. */
function sharesOf(records: readonly EvidenceRecord[]): number[] {
  const balances = records.map(
    ({ deliveredKib, failed }) => deliveredKib / KIB_PER_SYMBOL - failed,
  );
  const sum = balances.reduce((total, balance) => total + Math.abs(balance), 0);
  return balances.map((balance) => balance / Math.max(1, sum));
}
