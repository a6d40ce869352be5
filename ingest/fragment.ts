import { open } from "node:fs/promises";

const BOX_HEADER_BYTES = 16;
/** Boxes before the first moof: styp, sidx, emsg, prft and the like. */
const BOXES_MAX = 32;

/**
 * Why a file is no playable fMP4 segment, or undefined when it is one: a full disk leaves empty
 * files and files without a `moof` box (ISO/IEC 14496-12 section 8.8.4) behind.
 */
export async function fragmentProblem(path: string): Promise<string | undefined> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    if (size === 0) return "it is empty";
    let at = 0;
    for (let box = 0; box < BOXES_MAX && at < size; box++) {
      const header = Buffer.alloc(BOX_HEADER_BYTES);
      const { bytesRead } = await file.read(header, 0, BOX_HEADER_BYTES, at);
      const byteLength = boxLength(header, bytesRead, size - at);
      if (byteLength === undefined) return `it is cut short at byte ${at}`;
      if (header.toString("latin1", 4, 8) === "moof") return undefined;
      at += byteLength;
    }
    return "it holds no moof box";
  } finally {
    await file.close();
  }
}

/** The length of a box with its header (section 4.2); undefined when it does not fit. */
function boxLength(header: Buffer, bytesRead: number, bytesLeft: number): number | undefined {
  if (bytesRead < 8) return undefined;
  const short = header.readUInt32BE(0);
  if (short === 0) return bytesLeft;
  if (short === 1 && bytesRead < BOX_HEADER_BYTES) return undefined;
  const byteLength = short === 1 ? Number(header.readBigUInt64BE(8)) : short;
  return byteLength >= 8 && byteLength <= bytesLeft ? byteLength : undefined;
}
