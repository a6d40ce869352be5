import { createHash } from "node:crypto";
import { pino } from "pino";
import { type PeerReport, type PeerSegment, runPeer } from "../peer/node/index.ts";

/** What a process of viewers is told, as JSON on its command line. */
export interface ViewersOrder {
  readonly apiUrl: string;
  readonly stream: string;
  readonly viewers: readonly ViewerOrder[];
  readonly maxDelayMs: number;
}

export interface ViewerOrder {
  /** Its number among all viewers. */
  readonly viewer: number;
  readonly uploadBytesPerS: number;
  /** The one address that it uses. */
  readonly bindAddress: string;
}

/** A media segment that a viewer put out. */
export interface Watched {
  readonly sequence: number;
  /** When it was verified here, and when the origin had it whole, by the clock of this machine. */
  readonly verifiedAtMs: number;
  readonly completedAtMs: number;
  readonly sha256: string;
  readonly byteLength: number;
  readonly symbolBytes: number;
  readonly sourceSymbols: number;
  readonly symbols: number;
}

/** What a process of viewers tells its parent. */
export type ViewersNews =
  | { readonly kind: "segment"; readonly viewer: number; readonly segment: Watched }
  | { readonly kind: "report"; readonly viewer: number; readonly report: PeerReport };

/** Watches with several viewers in this process until it is killed. */
async function main(order: ViewersOrder): Promise<void> {
  const { viewers, ...options } = order;
  const tell = (news: ViewersNews): void => void process.send?.(news);
  await Promise.all(
    viewers.map(({ viewer, ...own }) =>
      runPeer({
        ...options,
        ...own,
        log: pino({ level: "warn" }, pino.destination(2)).child({ viewer }),
        signal: new AbortController().signal,
        onReport: (report) => tell({ kind: "report", viewer, report }),
        onSegment: (segment) => {
          if (!segment.init) tell({ kind: "segment", viewer, segment: watchedOf(segment) });
        },
      }),
    ),
  );
}

function watchedOf({ sequence, bytes, delayMs, manifests }: PeerSegment): Watched {
  const [{ completedAtMs, fec }] = manifests;
  return {
    ...{ sequence, completedAtMs, byteLength: bytes.length },
    verifiedAtMs: completedAtMs + delayMs,
    sha256: createHash("sha256").update(bytes).digest("hex"),
    symbolBytes: fec.symbolBytes,
    sourceSymbols: fec.k,
    symbols: fec.n,
  };
}

if (process.argv[1] === import.meta.filename) {
  process.once("disconnect", () => process.exit()); // The parent is gone.
  await main(JSON.parse(process.argv[2] ?? "") as ViewersOrder);
}
