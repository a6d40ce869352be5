import type { RequestHandler } from "express";
import { isStreamId } from "../core/index.ts";
import type { Stream, StreamRegistry } from "../pipeline/index.ts";
import { FreshCache } from "./fresh-cache.ts";

const MAX_AGE_MS = 1000;

/**
 * Whether a page of `site`, as an Origin header names it (RFC 6454), may use a stream. Who is no page of a
 * browser sends none; pages of this origin itself, at `host`, always may.
 */
export function isSiteAllowed(
  { origins }: Pick<Stream, "origins">,
  site: string | undefined,
  host: string | undefined,
): boolean {
  if (origins.length === 0 || site === undefined || origins.includes(site)) return true;
  return URL.canParse(site) && new URL(site).host === host;
}

/**
 * Names the site that may read an answer about the stream `:stream` instead of all, or none: browsers
 * keep the answer from pages of others then (Fetch, CORS protocol). Stands before preflights too.
 */
export function siteHeaders(registry: Pick<StreamRegistry, "get">): RequestHandler {
  const streams = new FreshCache(MAX_AGE_MS, (id) => registry.get(id));
  return async (request, response, next) => {
    const id = request.params["stream"];
    const stream = isStreamId(id) ? await streams.get(id) : undefined;
    if (stream !== undefined && stream.origins.length > 0) {
      const site = request.get("Origin");
      response.vary("Origin");
      if (site !== undefined && isSiteAllowed(stream, site, request.get("Host"))) {
        response.set("Access-Control-Allow-Origin", site);
      } else response.removeHeader("Access-Control-Allow-Origin");
    }
    next();
  };
}
