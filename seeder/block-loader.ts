import {
  type BlockId,
  blockKey,
  type FecParameters,
  fromBase64Url,
  INIT_PART,
  JsonFields,
  parseJson,
  StarlingError,
  SYMBOL_BYTES_MAX,
  SYMBOLS_MAX,
  symbolOf,
} from "../core/index.ts";
import type { Input } from "../mesh/index.ts";
import type {
  BlockStore,
  LogEntry,
  ManifestLog,
  SegmentRecord,
  Timeline,
} from "../pipeline/index.ts";

/** A whole block as a seed peer publishes it. */
export type Publication = Extract<Input, { kind: "publish" }>;

/** Where the blocks of all streams are. */
export interface Origin {
  readonly timeline: Timeline;
  readonly manifests: ManifestLog;
  readonly store: BlockStore;
}

/** A block and its manifest, as the log names them. */
export type BlockEntry = Pick<LogEntry, "block" | "jws">;

export interface LoadedBlock {
  readonly record: SegmentRecord;
  readonly publication: Publication;
}

/** Reads a block of the log from the store. Throws StarlingError "block-missing" when it was trimmed. */
export async function loadBlock(
  origin: Origin,
  stream: string,
  { block, jws }: BlockEntry,
): Promise<LoadedBlock> {
  const record = await origin.timeline.get(stream, block);
  if (record === undefined) {
    throw new StarlingError("block-missing", `Block ${blockKey(block)} was trimmed.`);
  }
  const fec = fecOf(claimsOf(jws).object("fec"));
  const [source, { leaves, repair }] = await Promise.all([
    origin.store.readBlock(record),
    origin.store.readCoded(record, fec.n),
  ]);
  const symbols = leaves.map((_, esi) => symbolOf(fec, source, repair, esi));
  return { record, publication: { kind: "publish", jws, leaves, symbols } };
}

function fecOf(claims: JsonFields): FecParameters {
  return {
    code: "leopard-gf8",
    k: claims.integer("k", 1, SYMBOLS_MAX),
    n: claims.integer("n", 1, SYMBOLS_MAX),
    symbolBytes: claims.integer("symbolBytes", 1, SYMBOL_BYTES_MAX),
  };
}

/** The init segment that a media segment needs. */
export function initBlockOf({ block, init }: SegmentRecord): BlockId | undefined {
  if (init === null) return undefined;
  return { rendition: block.rendition, sequence: init.sequence, part: INIT_PART };
}

/**
 * Whether the block's manifest is still good for `marginS` seconds, for peers to verify it. The
 * manifest of an init segment is good for as long as a media segment needs it.
 */
export function isFresh({ block, jws }: BlockEntry, nowMs: number, marginS: number): boolean {
  if (block.part === INIT_PART) return true;
  return nowMs / 1000 + marginS < claimsOf(jws).integer("exp", 0, Number.MAX_SAFE_INTEGER);
}

/** Reads the claims without a check of the signature: the machine does that when it publishes. */
function claimsOf(jws: string): JsonFields {
  const [, payload = ""] = jws.split(".");
  const text = new TextDecoder().decode(fromBase64Url(payload));
  return new JsonFields(parseJson(text, "manifest-malformed"), "manifest-malformed");
}
