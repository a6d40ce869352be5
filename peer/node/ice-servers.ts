import type { IceServer as LibraryIceServer, RelayType } from "node-datachannel";
import { type IceServer, StarlingError } from "../../core/index.ts";

const ICE_URL =
  /^(stun|turn|turns):([^:?\s/@]+|\[[0-9a-f:]+\])(?::(\d{1,5}))?(?:\?transport=(udp|tcp))?$/i;
const PORT = 3478;
const TLS_PORT = 5349;

/**
 * ICE servers as the tracker names them (RFC 7064 and RFC 7065 URLs) in the library's form.
 * Throws StarlingError "transport-ice-server".
 */
export function libraryIceServers(servers: readonly IceServer[]): (string | LibraryIceServer)[] {
  return servers.map((server) => libraryIceServer(server));
}

function libraryIceServer(server: IceServer): string | LibraryIceServer {
  const [, scheme, host, port, transport] = ICE_URL.exec(server.urls) ?? [];
  if (scheme === undefined || host === undefined) {
    throw new StarlingError(
      "transport-ice-server",
      `Expected an ICE server like "stun:host:3478" or "turn:host:3478?transport=udp", got "${server.urls}".`,
    );
  }
  const isTls = scheme.toLowerCase() === "turns";
  const address = { hostname: host, port: Number(port ?? (isTls ? TLS_PORT : PORT)) };
  if (scheme.toLowerCase() === "stun") return `stun:${address.hostname}:${address.port}`;
  return {
    ...address,
    username: server.username ?? "",
    password: server.credential ?? "",
    relayType: relayType(isTls, transport),
  };
}

function relayType(isTls: boolean, transport: string | undefined): RelayType {
  if (isTls) return "TurnTls";
  return transport?.toLowerCase() === "tcp" ? "TurnTcp" : "TurnUdp";
}
