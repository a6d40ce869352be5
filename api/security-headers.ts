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

/** Headers for every answer. No cookie or other ambient permission exists, so any site may read. */
export const securityHeaders: RequestHandler = (_request, response, next) => {
  response.set({
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Content-Range, ETag, Retry-After",
  });
  next();
};

/** Headers for HTML pages; another site may embed them. */
export function setPageHeaders(response: Response): void {
  response.set("Content-Security-Policy", PAGE_POLICY);
}
