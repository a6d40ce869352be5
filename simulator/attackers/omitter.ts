import type { InstantMs, Message } from "../../core/index.ts";
import type { Input, Output } from "../../mesh/index.ts";
import { WrappedPeer } from "./wrapped-peer.ts";

/** What it claims: the best neighbour that anybody has. */
const CLAIMED_KBPS = 25_000;
const CLAIMED_SPARE = 16;
/** One step of LAG_STEP_MS behind the origin, in every class. */
const CLAIMED_LAG_STEPS = 1;

/**
 * Promises everything and sends nothing: it claims to be strong and near the origin, grants every
 * subscription and takes every request.
 */
export class Omitter extends WrappedPeer {
  protected override intercept(_now: InstantMs, input: Input): readonly Output[] | undefined {
    if (input.kind !== "message") return undefined;
    const { neighbour, message } = input;
    if (this.isServed(neighbour)) return undefined;
    if (message.type === "request" && message.esis.length > 0) return [];
    if (message.type === "subscribe") {
      const { rendition, classes } = message;
      const serve: Message = { type: "serve", rendition, classes, spare: CLAIMED_SPARE };
      return [{ kind: "transmit", neighbour, message: serve }];
    }
    return undefined;
  }

  protected override change(output: Output): Output | undefined {
    if (output.kind !== "transmit" || this.isServed(output.neighbour)) return output;
    const { message } = output;
    if (message.type === "symbol") return undefined;
    return message.type === "status" ? { ...output, message: claimed(message) } : output;
  }

  /** Whether it treats a neighbour as it should. */
  protected isServed(_neighbour: string): boolean {
    return false;
  }
}

function claimed(status: Extract<Message, { type: "status" }>): Message {
  return {
    ...status,
    capacityKbps: CLAIMED_KBPS,
    spare: CLAIMED_SPARE,
    feeds: status.feeds.map(({ rendition, lags }) => ({
      rendition,
      lags: lags.slice().fill(CLAIMED_LAG_STEPS),
    })),
  };
}
