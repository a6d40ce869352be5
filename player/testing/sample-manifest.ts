import type { Manifest } from "../../core/index.ts";

/** A manifest of a whole segment of one second, with `changes`. */
export function sampleManifest(sequence: number, changes: Partial<Manifest> = {}): Manifest {
  return {
    stream: "demo",
    session: "session",
    block: { rendition: 0, sequence, part: 0 },
    last: true,
    discontinuity: 0,
    init: { sequence: 0, sha256: "A".repeat(43) },
    durationMs: 1000,
    programDateTimeMs: 1_795_000_000_000 + sequence * 1000,
    completedAtMs: 1_795_000_001_000 + sequence * 1000,
    byteLength: 1000,
    sha256: "B".repeat(43),
    fec: { code: "leopard-gf8", k: 1, n: 2, symbolBytes: 1024 },
    root: "C".repeat(43),
    issuedAtS: 1_795_000_001,
    expiresAtS: 1_795_000_121,
    ...changes,
  };
}
