import type { InstantMs } from "../../core/index.ts";
import type { Input, Output, ProtocolPeer } from "../../mesh/index.ts";

/** A peer of the protocol whose inputs and outputs an attacker meddles with. */
export abstract class WrappedPeer implements ProtocolPeer {
  protected readonly peer: ProtocolPeer;
  readonly #outputs: Output[] = [];

  constructor(peer: ProtocolPeer) {
    this.peer = peer;
  }

  handleInput(now: InstantMs, input: Input): void {
    const answer = this.intercept(now, input);
    if (answer === undefined) this.peer.handleInput(now, input);
    else this.#outputs.push(...answer);
  }

  pollOutput(): Output | undefined {
    for (;;) {
      const own = this.#outputs.shift();
      if (own !== undefined) return own;
      const output = this.peer.pollOutput();
      if (output === undefined) return undefined;
      const changed = this.change(output);
      if (changed !== undefined) return changed;
    }
  }

  pollTimeout(): InstantMs | undefined {
    return this.peer.pollTimeout();
  }

  /** What to want instead of letting the peer see the input; undefined lets it see it. */
  protected intercept(_now: InstantMs, _input: Input): readonly Output[] | undefined {
    return undefined;
  }

  /** What becomes of an output of the peer; undefined drops it. */
  protected change(output: Output): Output | undefined {
    return output;
  }
}
