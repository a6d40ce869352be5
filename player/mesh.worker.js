/**
 * The code of a peer, as `dist/player/mesh.worker.js`: a worker, or, where a page may have none, a module of
 * the page itself. `bundle.js` makes it one file.
 */
import { serveMesh } from "./mesh-service.ts";

export { serveMesh };

if (typeof document === "undefined") {
  globalThis.addEventListener("message", ({ ports }) => serveMesh(ports[0], ports[1]), {
    once: true,
  });
}
