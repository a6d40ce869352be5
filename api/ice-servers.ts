import { type IceServer, StarlingError } from "../core/index.ts";

/** What a peer takes of the tracker (core/tracker-messages.ts). */
const ICE_SERVERS_MAX = 8;
const TEXT_LENGTH_MAX = 512;
const PORT_MAX = 65_535;
/** RFC 7064 and RFC 7065, as far as the peers know them. */
const ICE_URL =
  /^(stun|turns?):(?:[^:?\s/@]+|\[[0-9a-f:]+\])(?::(\d{1,5}))?(?:\?transport=(?:udp|tcp))?$/i;

/**
 * Refuses servers with which no peer could start. Throws StarlingError "ice-server-invalid", which
 * does not repeat the address: people write passwords into it.
 */
export function checkIceServers(servers: readonly IceServer[]): void {
  if (servers.length > ICE_SERVERS_MAX) {
    throw refusal(`Name at most ${ICE_SERVERS_MAX} ICE servers.`);
  }
  for (const [index, server] of servers.entries()) {
    const problem = problemOf(server);
    if (problem !== undefined) throw refusal(`ICE server ${index + 1}: ${problem}`);
  }
}

function problemOf({ urls, username = "", credential = "" }: IceServer): string | undefined {
  const [, scheme, port = "1"] = ICE_URL.exec(urls) ?? [];
  const isPort = Number(port) >= 1 && Number(port) <= PORT_MAX;
  if (scheme === undefined || !isPort) {
    return 'expected an address like "stun:host:3478" or "turn:host:3478?transport=udp".';
  }
  if ([urls, username, credential].some((text) => text.length > TEXT_LENGTH_MAX)) {
    return `a text is longer than ${TEXT_LENGTH_MAX} characters.`;
  }
  const isRelay = scheme.toLowerCase() !== "stun";
  if (isRelay && (username === "" || credential === "")) {
    return "a TURN server needs a user name and a credential.";
  }
  return undefined;
}

function refusal(message: string): StarlingError {
  return new StarlingError("ice-server-invalid", message);
}
