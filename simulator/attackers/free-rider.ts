import type { InstantMs, Message } from "../../core/index.ts";
import type { Input, Output } from "../../mesh/index.ts";
import { WrappedPeer } from "./wrapped-peer.ts";

/** What it claims that it can send: those who can send most are fed first. */
const CLAIMED_KBPS = 25_000;

/**
 * Takes and never gives: it claims to be strong, that it might be fed first, but promises nothing and
 * declines what it is asked for as if it were busy just now.
 */
export class FreeRider extends WrappedPeer {
  protected override intercept(_now: InstantMs, input: Input): readonly Output[] | undefined {
    if (input.kind !== "message") return undefined;
    const { neighbour, message } = input;
    if (message.type === "request" && message.esis.length > 0) {
      const { block, esis } = message;
      return [
        { kind: "transmit", neighbour, message: { type: "decline", block, isBusy: true, esis } },
      ];
    }
    if (message.type === "subscribe") {
      const { rendition } = message;
      const serve: Message = { type: "serve", rendition, classes: 0, spare: 0 };
      return [{ kind: "transmit", neighbour, message: serve }];
    }
    return undefined;
  }

  protected override change(output: Output): Output | undefined {
    if (output.kind !== "transmit") return output;
    const { message } = output;
    if (message.type === "symbol" || message.type === "have") return undefined;
    if (message.type === "status") {
      const claim = { capacityKbps: CLAIMED_KBPS, roomKbps: CLAIMED_KBPS, spare: 0 };
      return { ...output, message: { ...message, ...claim } };
    }
    return output;
  }
}
