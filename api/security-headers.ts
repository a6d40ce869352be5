import type { RequestHandler, Response } from "express";

/** What a page may load: our own files, media that hls.js hands over as blobs, and the codec. */
const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self' ws: wss:",
  "media-src 'self' blob:",
  "worker-src 'self' blob:",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

/** What the worker of a peer may: the codec in WebAssembly, tokens and the tracker. */
const WORKER_POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "connect-src 'self' ws: wss:",
].join("; ");
/** What pages of other sites may read of an answer. */
const EXPOSED = "Content-Range, ETag, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id";
const HSTS = "max-age=31536000";

/**
 * Headers for every answer. No cookie or other ambient permission exists, so any site may read what no
 * policy of a stream keeps from it (site-policy.ts).
 */
export const securityHeaders: RequestHandler = (request, response, next) => {
  if (request.secure) response.set("Strict-Transport-Security", HSTS);
  response.set({
    "X-Content-Type-Options": "nosniff",
    "X-DNS-Prefetch-Control": "off",
    "X-Permitted-Cross-Domain-Policies": "none",
    "Origin-Agent-Cluster": "?1",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": EXPOSED,
  });
  next();
};

/** Headers for HTML pages; another site may embed them. */
export function setPageHeaders(response: Response): void {
  response.set("Content-Security-Policy", PAGE_POLICY);
}

/** Headers for the script of a worker, which has a policy of its own. */
export function setWorkerHeaders(response: Response): void {
  response.set("Content-Security-Policy", WORKER_POLICY);
}
