import { createHmac } from "node:crypto";
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

/** How long a peer may use a relay by the credentials that it was given. */
const CREDENTIALS_S = 12 * 3600;

/**
 * The servers as a peer is told of them. Of a relay without a user name the credential is the secret that
 * it shares with this origin: each peer gets credentials of its own, which end (the TURN REST API,
 * draft-uberti-behave-turn-rest-00, as coturn's `use-auth-secret` reads it).
 */
export function iceServersFor(
  servers: readonly IceServer[],
  peer: string,
  nowMs: number,
): IceServer[] {
  return servers.map((server) => {
    if (server.credential === undefined || server.username) return server;
    const username = `${Math.floor(nowMs / 1000) + CREDENTIALS_S}:${peer}`;
    const credential = createHmac("sha1", server.credential).update(username).digest("base64");
    return { urls: server.urls, username, credential };
  });
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
  if (isRelay && credential === "") {
    return "a TURN server needs a user name and a credential, or a secret.";
  }
  return undefined;
}

function refusal(message: string): StarlingError {
  return new StarlingError("ice-server-invalid", message);
}
