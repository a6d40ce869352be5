/** An IPv4 address as it is; the /64 of an IPv6 address, because one subscriber owns all of it. */
export function networkOf(address: string): string {
  const groups = groupsOf(address);
  return groups === undefined ? plainAddress(address) : `${groups.slice(0, 4).join(":")}::/64`;
}

/** The /24 of an IPv4 address, the /48 of an IPv6 address: what one site or provider owns in a piece. */
export function wideNetworkOf(address: string): string {
  const groups = groupsOf(address);
  if (groups !== undefined) return `${groups.slice(0, 3).join(":")}::/48`;
  return `${plainAddress(address).split(".").slice(0, 3).join(".")}.0/24`;
}

/** An IPv4 address that IPv6 wraps (RFC 4291 section 2.5.5.2) as itself. */
export function plainAddress(address: string): string {
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
}

/** The eight groups of an IPv6 address; undefined for any other. */
function groupsOf(address: string): string[] | undefined {
  if (!plainAddress(address).includes(":")) return undefined;
  const [head = "", tail] = address.split("::");
  const groups = head === "" ? [] : head.split(":");
  const last = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - groups.length - last.length);
  const all = [...groups, ...new Array<string>(zeros).fill("0"), ...last];
  return all.map((group) => group.toLowerCase().replace(/^0+(?=.)/, ""));
}
