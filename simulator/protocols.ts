import { StarlingError } from "../core/index.ts";
import { BASELINES } from "./baselines/index.ts";
import { type Protocol, starling } from "./protocol.ts";

/** A protocol with words for a person. */
export interface NamedProtocol extends Protocol {
  readonly summary: string;
}

/** Every protocol that a world can run: Starling's first, then those it is compared with. */
export const PROTOCOLS: readonly NamedProtocol[] = [
  { ...starling, summary: "what ships" },
  ...BASELINES,
];

/** A protocol by its name. Throws StarlingError "unknown-protocol". */
export function findProtocol(name: string): Protocol {
  const found = PROTOCOLS.find((protocol) => protocol.name === name);
  if (found !== undefined) return found;
  const names = PROTOCOLS.map((protocol) => protocol.name).join(", ");
  throw new StarlingError("unknown-protocol", `"${name}": expected one of ${names}.`);
}
