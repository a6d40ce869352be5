import type { IncomingMessage } from "node:http";

/**
 * The address of a client as Express tells it (`request.ip`), for requests that Express does not
 * see: behind each trusted proxy stands the address that X-Forwarded-For names next, from the end.
 */
export function clientAddress(request: IncomingMessage, trustedProxies: number): string {
  const forwarded = [request.headers["x-forwarded-for"] ?? []].flat().join(",").split(",");
  const named = forwarded.map((address) => address.trim()).filter((address) => address !== "");
  const chain = [request.socket.remoteAddress ?? "unknown", ...named.reverse()];
  return chain[Math.min(trustedProxies, chain.length - 1)] ?? "unknown";
}
