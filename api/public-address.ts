import { type LookupAddress, lookup } from "node:dns";
import { BlockList, isIP, type LookupFunction } from "node:net";
import { plainAddress, StarlingError } from "../core/index.ts";

/** What is not for the public internet: RFC 6890 and its successors, multicast, and IPv4 in other dress. */
const RESERVED: readonly (readonly [network: string, prefix: number, family: "ipv4" | "ipv6"])[] = [
  ...(
    [
      ["0.0.0.0", 8],
      ["10.0.0.0", 8],
      ["100.64.0.0", 10],
      ["127.0.0.0", 8],
      ["169.254.0.0", 16],
      ["172.16.0.0", 12],
      ["192.0.0.0", 24],
      ["192.0.2.0", 24],
      ["192.168.0.0", 16],
      ["198.18.0.0", 15],
      ["198.51.100.0", 24],
      ["203.0.113.0", 24],
      ["224.0.0.0", 3],
    ] as const
  ).map(([network, prefix]) => [network, prefix, "ipv4"] as const),
  ...(
    [
      ["::", 96],
      ["64:ff9b::", 96],
      ["64:ff9b:1::", 48],
      ["100::", 64],
      ["2001::", 23],
      ["2001:db8::", 32],
      ["2002::", 16],
      ["fc00::", 7],
      ["fe80::", 10],
      ["fec0::", 10],
      ["ff00::", 8],
    ] as const
  ).map(([network, prefix]) => [network, prefix, "ipv6"] as const),
];

const reserved = new BlockList();
for (const [network, prefix, family] of RESERVED) reserved.addSubnet(network, prefix, family);

/** Whether an IP address is one of the public internet. */
export function isPublicAddress(address: string): boolean {
  const plain = plainAddress(address);
  const version = isIP(plain);
  return version !== 0 && !reserved.check(plain, version === 4 ? "ipv4" : "ipv6");
}

/**
 * Looks a name up, and refuses it if any of its addresses is not public: whoever connects by it connects to
 * what was checked, whatever the name says a moment later. StarlingError "webhook-url-refused".
 */
export const lookupPublic: LookupFunction = (name, options, callback) => {
  lookup(name, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
    const [first] = addresses ?? [];
    if (error !== null || first === undefined) {
      callback(error ?? refused(), "", 4);
      return;
    }
    if (addresses.some(({ address }) => !isPublicAddress(address))) callback(refused(), "", 4);
    else if (options.all === true) callback(null, addresses);
    else callback(null, first.address, first.family);
  });
};

function refused(): StarlingError {
  return new StarlingError(
    "webhook-url-refused",
    "The host is in a private network: allow that with webhook-private, if you mean it.",
  );
}
