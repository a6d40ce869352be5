import type { Message } from "../core/index.ts";

/** A neighbour that has not shown a valid hello by then is cut. */
export const HELLO_TIMEOUT_MS = 5000;
/** A neighbour that was silent this long is asked for a sign of life. */
export const PING_AFTER_SILENCE_MS = 2000;
/** A neighbour that was silent this long is gone: SCTP and ICE would notice only after 20-30 s. */
export const SILENCE_MAX_MS = 6000;
/** The round trip to each neighbour is measured this often. */
export const PING_EVERY_MS = 10_000;
/** A dial that has not come to anything by then is given up. */
export const DIAL_TIMEOUT_MS = 20_000;
/** What a round trip is thought to be before it is measured. */
export const RTT_START_MS = 100;

/** Who tells nothing for this long, though a status is due each second, is asked for nothing. */
export const QUIET_MS = 1600;
/** When a parent falls silent, all who were silent for this long are pinged. */
export const DOUBT_AFTER_SILENCE_MS = 250;
/** Who does not answer a ping this long after a usual round trip is asked for nothing, too. */
export const PONG_WAIT_MS = 300;
/** While no block is on the way, a peer looks after its neighbours this often. */
export const IDLE_TICK_MS = 500;
/** A peer tells its neighbours how it does this often, and sooner when it has more to give. */
export const STATUS_EVERY_MS = 1000;
export const NEWS_AFTER_MS = 250;
/** What a peer saw of others is told this often. */
export const EVIDENCE_EVERY_MS = 10_000;
/** Or this long after somebody was cut off. */
export const EVIDENCE_NEWS_AFTER_MS = 1000;
/** Neighbours are exchanged and weighed this often. */
export const REVIEW_EVERY_MS = 5000;

/** A neighbour that was asked to push answers within this time. */
export const SERVE_TIMEOUT_MS = 800;
/** A neighbour that refused or failed to push a class is asked for it again after this. */
export const ASK_AGAIN_AFTER_MS = 2000;
/** Late symbols in a row after which a parent is left, and how long it may be silent when one is late. */
export const MISSES_MAX = 4;
export const PARENT_SILENCE_MAX_MS = 500;
/** How often a parent that is nearer to the origin is looked for. */
export const IMPROVE_EVERY_MS = 250;
/** A push that waits this long beyond the time that its block lasts is left to others. */
export const PUSH_EXPIRES_MS = 600;
/** Who takes nothing from its channel for this long is given no class. */
export const STUCK_MAX_MS = 3000;
/** Pushes that wait this long after the next block are more than the uplink carries. */
export const PUSH_WAIT_MAX_MS = 350;
/** At most one class in this time is taken from a subscriber for a stronger one, and for want of room. */
export const PREEMPT_EVERY_MS = 50;
export const SHED_EVERY_MS = 400;
/** Who had to take a class back tries one more this much later. */
export const PROBE_EVERY_MS = 10_000;

/** Pulls get at least this share of the uplink. */
export const PULL_SHARE_MIN = 0.04;
/** A pull that would wait longer is declined. */
export const PULL_WAIT_MAX_MS = 800;
/** What a neighbour that was not pulled from yet is thought to send, bytes a second. */
export const PULL_RATE_START = 100_000;
/** How long a pulled symbol may take, at the least and at the most. */
export const PULL_TIMEOUT_MIN_MS = 500;
export const PULL_TIMEOUT_MAX_MS = 1500;
/** Who could not help with a block is asked again for it no sooner, when nobody else is left. */
export const FORGIVE_EVERY_MS = 250;
/** A seed is asked for a symbol that no viewer has this long after the release; one with little to do sooner. */
export const IDLE_SEED_PULL_AFTER_MS = 300;
export const SEED_PULL_AFTER_MS = 1000;
/** How long a peer that hears of a block waits for the manifest to come by itself. */
export const MANIFEST_WAIT_MS = 60;
/** A manifest of which only its block is known is asked for this often. */
export const MANIFEST_PULL_EVERY_MS = 300;

export const NEIGHBOURS_MAX = 512;
/** The channel is unordered: messages can overtake the hello, and wait for it. */
export const EARLY_MESSAGES_MAX = 64;
export const EARLY_BYTES_MAX: number = 256 * 1024;
/** Messages about blocks whose manifest has not come yet, and how long they are kept. */
export const ORPHANS_MAX = 256;
export const ORPHAN_BYTES_MAX: number = 2 * 1024 * 1024;
export const ORPHAN_MS = 2000;
/** The types of messages that have a budget, and requests for a manifest. */
export type MessageKind = Exclude<Message["type"], "hello" | "bye" | "symbol"> | "manifestRequest";

/** How many messages of a kind a neighbour may send at once, and a second in the long run. */
export interface MessageRate {
  readonly burst: number;
  readonly perSecond: number;
}

/**
 * What is read of a neighbour's messages, by their type; an empty request is a kind of its own, since it
 * is answered with a manifest, and each KiB of a relay counts. Symbols are bounded by what was asked for.
 */
export const MESSAGE_RATES: Readonly<Record<MessageKind, MessageRate>> = {
  manifest: { burst: 100, perSecond: 50 },
  have: { burst: 300, perSecond: 100 },
  manifestRequest: { burst: 32, perSecond: 8 },
  request: { burst: 1000, perSecond: 500 },
  cancel: { burst: 2000, perSecond: 1000 },
  decline: { burst: 1000, perSecond: 500 },
  subscribe: { burst: 100, perSecond: 50 },
  serve: { burst: 100, perSecond: 50 },
  status: { burst: 20, perSecond: 10 },
  peers: { burst: 5, perSecond: 1 },
  relay: { burst: 256, perSecond: 32 },
  evidence: { burst: 5, perSecond: 1 },
  ping: { burst: 20, perSecond: 5 },
  pong: { burst: 20, perSecond: 5 },
};
/** Who owes so many bursts gets a strike; a message that is dropped counts half. */
export const FLOOD_BURSTS = 4;

/** Manifests that were verified and are of no use, so that none is verified twice. */
export const STALE_MANIFESTS_MAX = 1024;
/** Refused messages after which a neighbour is cut. A bad symbol counts for all of them. */
export const STRIKES_MAX = 3;
/** Who was cut for what it sent stays out for the life of a token, by default; the last ones. */
export const BARRED_MS = 300_000;
export const BARRED_MAX = 1024;
/** Peers of which a peer knows and that are no neighbours. */
export const CANDIDATES_MAX = 64;

/** Media blocks that a peer keeps and serves. */
export const MEDIA_BLOCKS_MAX = 64;
/** Init segments that a peer keeps: of each rendition for the publish sessions in the window. */
export const INIT_BLOCKS_MAX = 16;

/** Symbols that wait to be sent to one neighbour. */
export const UPLOAD_QUEUE_MAX = 512;
/** Bytes that may wait in a channel: Chromium closes one at about 16 MiB. */
export const CHANNEL_QUEUE_BYTES_MAX: number = 1024 * 1024;
/** A driver tells when messages of this size have left a channel; of smaller ones it need not. */
export const TOLD_BYTES_MIN = 1024;
/** Bytes asked of one neighbour that have not come yet. */
export const REQUESTED_BYTES_MAX: number = 1024 * 1024;
/** ESIs in one request. */
export const REQUEST_ESIS_MAX = 64;
