import { createCipheriv, createHmac } from "node:crypto";
import { readFile, rename, writeFile } from "node:fs/promises";
import { randomBase32 } from "./random-text.ts";
import type { Stream } from "./stream-registry.ts";

const KEY_BYTES = 16;

/** The key of one publish session, and where its cipher starts: 16 bytes each. */
export interface ContentKey {
  readonly key: Uint8Array;
  readonly iv: Uint8Array;
}

/** The content key of a publish session; undefined for a stream whose media is not encrypted. */
export function contentKeyOf(
  { id, contentSecret }: Pick<Stream, "id" | "contentSecret">,
  session: string,
): ContentKey | undefined {
  if (contentSecret === "") return undefined;
  const name = `starling-content-key\0${id}\0${session}`;
  const bytes = createHmac("sha256", contentSecret).update(name).digest();
  return { key: bytes.subarray(0, KEY_BYTES), iv: bytes.subarray(KEY_BYTES) };
}

/**
 * Writes a whole file encrypted as HLS's AES-128 has it: AES-128-CBC with PKCS #7 padding (RFC 8216 section
 * 4.3.2.4). The same file gives the same bytes, so that a job that runs twice changes nothing.
 */
export async function encryptFile(
  source: string,
  target: string,
  { key, iv }: ContentKey,
): Promise<void> {
  const cipher = createCipheriv("aes-128-cbc", key, iv);
  const bytes = Buffer.concat([cipher.update(await readFile(source)), cipher.final()]);
  const temporary = `${target}.${randomBase32(8)}.tmp`;
  await writeFile(temporary, bytes);
  await rename(temporary, target);
}
