import type { Output } from "../../mesh/index.ts";
import { WrappedPeer } from "./wrapped-peer.ts";

/** Does everything as it should, but every symbol that it sends has a wrong byte. */
export class Polluter extends WrappedPeer {
  protected override change(output: Output): Output | undefined {
    if (output.kind !== "transmit" || output.message.type !== "symbol") return output;
    const bytes = output.message.bytes.slice();
    bytes[0] = ~(bytes[0] as number);
    return { ...output, message: { ...output.message, bytes } };
  }
}
