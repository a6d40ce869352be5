import { assert, MESSAGE_BYTES_MAX, SYMBOL_BYTES_MAX } from "../core/index.ts";

/** A neighbour that has not shown a valid hello by then is cut. */
export const HELLO_TIMEOUT_MS = 5000;
/** A neighbour that was silent this long is asked for a sign of life. */
export const PING_AFTER_SILENCE_MS = 2000;
/** A neighbour that was silent this long is gone: SCTP and ICE would notice only after 20-30 s. */
export const SILENCE_MAX_MS = 6000;
/** Verified symbols are announced together, this long after the first of them. */
export const HAVE_DELAY_MS = 50;
/** A symbol that has not come by then is asked for again. */
export const REQUEST_TIMEOUT_MS = 1500;

export const NEIGHBOURS_MAX = 512;
/** The channel is unordered: messages can overtake the hello, and wait for it. */
export const EARLY_MESSAGES_MAX = 64;
export const EARLY_BYTES_MAX: number = 256 * 1024;
/** Refused messages after which a neighbour is cut. A bad symbol counts for all of them. */
export const STRIKES_MAX = 3;

/** Media blocks that a peer keeps and serves. */
export const MEDIA_BLOCKS_MAX = 64;
/** Init segments that a peer keeps: one for each publish session in the window. */
export const INIT_BLOCKS_MAX = 8;
/** The newest blocks that a new neighbour is told of: where a newcomer starts. */
export const BLOCKS_ON_HELLO = 4;
/** Blocks of one neighbour whose symbols are remembered. */
export const HAVE_BLOCKS_MAX = 128;

/** Symbols that wait to be sent to one neighbour. */
export const UPLOAD_QUEUE_MAX = 512;
/** Bytes that may wait in a channel: Chromium closes one at about 16 MiB. */
export const CHANNEL_QUEUE_BYTES_MAX: number = 1024 * 1024;
/** Bytes asked of one neighbour that have not come yet. */
export const REQUESTED_BYTES_MAX: number = 1024 * 1024;
/** ESIs in one request. */
export const REQUEST_ESIS_MAX = 64;

assert(PING_AFTER_SILENCE_MS * 2 < SILENCE_MAX_MS, "a neighbour gets more than one ping to answer");
assert(CHANNEL_QUEUE_BYTES_MAX > 2 * MESSAGE_BYTES_MAX, "a channel's queue holds some messages");
assert(REQUESTED_BYTES_MAX >= SYMBOL_BYTES_MAX, "a symbol of any size can be asked for");
assert(BLOCKS_ON_HELLO < MEDIA_BLOCKS_MAX, "a newcomer is told only of blocks that are kept");
