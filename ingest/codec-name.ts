import { type Box, boxesIn } from "./mp4-boxes.ts";

/** Bytes of a sample entry before the boxes in it (ISO/IEC 14496-12 section 12.1.3, 12.2.3). */
export const VISUAL_ENTRY_BYTES = 78;
export const AUDIO_ENTRY_BYTES = 28;

/**
 * The name of a sample entry's codec as RFC 6381 spells it, such as "avc1.64001f" or "mp4a.40.2"; the
 * entry's type alone for a codec that has no parameters there. Throws RangeError for one cut short.
 */
export function codecName(entry: Box, entryBytes: number): string {
  const { type } = entry;
  const inner = boxesIn(entry.body, entryBytes);
  const body = (name: string): DataView | undefined => inner.find((box) => box.type === name)?.body;
  const avc = body("avcC");
  if (avc !== undefined) return `${type}.${[1, 2, 3].map((at) => hexByte(avc, at)).join("")}`;
  const hevc = body("hvcC");
  if (hevc !== undefined) return `${type}.${hevcParameters(hevc)}`;
  const av1 = body("av1C");
  if (av1 !== undefined) return `${type}.${av1Parameters(av1)}`;
  const elementary = body("esds");
  if (elementary !== undefined) return `${type}.${mpeg4Parameters(elementary)}`;
  return type === "Opus" ? "opus" : type;
}

function hexByte(view: DataView, at: number): string {
  return view.getUint8(at).toString(16).padStart(2, "0");
}

/** ISO/IEC 14496-15 annex E.3. */
function hevcParameters(view: DataView): string {
  const profile = view.getUint8(1);
  const space = ["", "A", "B", "C"][profile >>> 6] ?? "";
  let compatibility = 0;
  for (let bit = 0; bit < 32; bit++) {
    if ((view.getUint32(2) & (1 << bit)) !== 0) compatibility |= 1 << (31 - bit);
  }
  const constraints = Array.from({ length: 6 }, (_, index) => view.getUint8(6 + index));
  while (constraints.at(-1) === 0) constraints.pop();
  const tier = (profile & 0x20) === 0 ? "L" : "H";
  return [
    `${space}${profile & 0x1f}`,
    (compatibility >>> 0).toString(16),
    `${tier}${view.getUint8(12)}`,
    ...constraints.map((byte) => byte.toString(16)),
  ].join(".");
}

/** AV1 in ISO base media, section 5: profile, level and tier, bit depth. */
function av1Parameters(view: DataView): string {
  const first = view.getUint8(1);
  const second = view.getUint8(2);
  const level = String(first & 0x1f).padStart(2, "0");
  const depth = (second & 0x40) === 0 ? "08" : (second & 0x20) === 0 ? "10" : "12";
  return `${first >>> 5}.${level}${(second & 0x80) === 0 ? "M" : "H"}.${depth}`;
}

/** MPEG-4 descriptors (ISO/IEC 14496-1 section 7.2.6). */
const DECODER_CONFIG = 4;
const DECODER_SPECIFIC = 5;
/** Where the descriptors within one begin: after its own fields. */
const ES_FIELDS_BYTES = 3;
const DECODER_CONFIG_FIELDS_BYTES = 13;
const MPEG4_AUDIO = 0x40;
const ESCAPE = 31;

/** The object type of a track and, of MPEG-4 audio, the type of its audio object. */
function mpeg4Parameters(view: DataView): string {
  // A full box, the ES descriptor, and what that begins with; none of the optional fields is used here.
  let at = bodyOf(view, 4) + ES_FIELDS_BYTES;
  if (view.getUint8(at) !== DECODER_CONFIG) return "40";
  at = bodyOf(view, at);
  const objectType = view.getUint8(at);
  at += DECODER_CONFIG_FIELDS_BYTES;
  if (objectType !== MPEG4_AUDIO || view.getUint8(at) !== DECODER_SPECIFIC) {
    return objectType.toString(16);
  }
  at = bodyOf(view, at);
  const audio = view.getUint8(at) >>> 3;
  const escaped = 32 + (((view.getUint8(at) & 7) << 3) | (view.getUint8(at + 1) >>> 5));
  return `40.${audio === ESCAPE ? escaped : audio}`;
}

/** Where a descriptor's fields begin: after its tag and a length of up to four bytes. */
function bodyOf(view: DataView, at: number): number {
  let last = at + 1;
  while (view.getUint8(last) >= 0x80 && last < at + 4) last++;
  return last + 1;
}
