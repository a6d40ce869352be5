import { BlockList, isIP } from "node:net";
import { plainAddress } from "../core/index.ts";

/** Whether `address` is in a network such as "192.0.2.0/24"; in none that is not spelled right. */
export function isInNetwork(address: string, network: string): boolean {
  const list = blockListOf(network);
  const plain = plainAddress(address);
  return list?.check(plain, isIP(plain) === 6 ? "ipv6" : "ipv4") ?? false;
}

function blockListOf(network: string): BlockList | undefined {
  const [, address = "", prefix = ""] = /^([\d.]+|[\da-f:]+)\/(\d{1,3})$/i.exec(network) ?? [];
  const version = isIP(address);
  if (version === 0 || Number(prefix) > (version === 4 ? 32 : 128)) return undefined;
  const list = new BlockList();
  list.addSubnet(address, Number(prefix), version === 4 ? "ipv4" : "ipv6");
  return list;
}
