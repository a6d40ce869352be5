import { type InstantMs, type Message, StarlingError } from "../core/index.ts";
import { FLOOD_BURSTS, MESSAGE_RATES, type MessageKind } from "./limits.ts";

/** What a neighbour says once its hello was good. */
export type ReadyMessage = Exclude<Message, { type: "hello" | "bye" }>;

const KINDS = Object.keys(MESSAGE_RATES) as readonly MessageKind[];
const EVERY_MS = KINDS.map((kind) => 1000 / MESSAGE_RATES[kind].perSecond);
const BURST_MS = KINDS.map((kind, at) => MESSAGE_RATES[kind].burst * (EVERY_MS[at] as number));
const INDEX_OF = Object.fromEntries(KINDS.map((kind, at) => [kind, at])) as Record<
  MessageKind,
  number
>;

/** How many messages of each kind of a neighbour are read: see MESSAGE_RATES. */
export class MessageBudget {
  /** By kind, when all that was sent will be paid for (the generic cell rate algorithm of ITU-T I.371). */
  readonly #paidAt: number[] = KINDS.map(() => 0);

  /**
   * Whether a message may be read: false drops it. Throws StarlingError "message-flood" when far more came
   * than may.
   */
  take(now: InstantMs, message: ReadyMessage): boolean {
    if (message.type === "symbol") return true;
    const at = indexOf(message);
    const burstMs = BURST_MS[at] as number;
    const costMs = (EVERY_MS[at] as number) * costOf(message);
    const owedMs = Math.max(0, (this.#paidAt[at] as number) - now);
    if (owedMs + costMs <= burstMs) {
      this.#paidAt[at] = now + owedMs + costMs;
      return true;
    }
    if (owedMs <= FLOOD_BURSTS * burstMs) {
      this.#paidAt[at] = now + owedMs + costMs / 2;
      return false;
    }
    this.#paidAt[at] = now + burstMs;
    throw new StarlingError("message-flood", `Far more ${KINDS[at]} messages than are read.`);
  }
}

function indexOf(message: Exclude<ReadyMessage, { type: "symbol" }>): number {
  const isEmpty = message.type === "request" && message.esis.length === 0;
  return isEmpty ? INDEX_OF.manifestRequest : INDEX_OF[message.type];
}

function costOf(message: ReadyMessage): number {
  return message.type === "relay" ? 1 + (message.payload.length >> 10) : 1;
}
