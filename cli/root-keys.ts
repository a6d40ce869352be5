import { readFile } from "node:fs/promises";
import { z } from "zod";
import {
  fromBase64Url,
  instantMs,
  keyIdOf,
  parseJson,
  StarlingError,
  signKeyCertificate,
  toBase64Url,
  verifyKeyCertificate,
} from "../core/index.ts";
import { nodeCrypto } from "../core/node/index.ts";
import { certifyKey, jwksSchema, loadRootKey } from "../pipeline/index.ts";
import { withOrigin } from "./keys.ts";
import type { Config } from "./options.ts";

const S_PER_H = 3600;

const certifiedSchema = z.object({
  root: z.string().length(43),
  keys: jwksSchema.shape.keys,
});

/** The commands of an offline root key; each answers the text to print. Only the last one needs the origin. */
export const ROOT_COMMANDS = {
  /** Makes a root key in a new file, or reads it; gives what players are told of it. */
  root: async (_config: Config, [file = ""]: readonly string[]): Promise<string> => {
    const { publicKey } = await loadRootKey(file, { isMade: true });
    return toBase64Url(publicKey);
  },

  /** Certifies all keys of what "keys public" printed. */
  certify: async (
    { certificateTtlH }: Config,
    [rootFile = "", keysFile = ""]: readonly string[],
  ): Promise<string> => {
    const root = await loadRootKey(rootFile, { isMade: false });
    const { keys } = jwksSchema.parse(await readJson(keysFile));
    const issuedAtS = Math.floor(Date.now() / 1000);
    const expiresAtS = issuedAtS + certificateTtlH * S_PER_H;
    const keyId = keyIdOf(root.publicKey, nodeCrypto);
    const certified = keys.map((key) => {
      const { x: publicKey, starling_purpose: purpose } = key;
      const claims = { publicKey, purpose, issuedAtS, expiresAtS };
      return { ...key, starling_certificate: signKeyCertificate(claims, keyId, root.sign) };
    });
    return JSON.stringify({ root: toBase64Url(root.publicKey), keys: certified }, null, 2);
  },

  /** Publishes the certificates of what "keys certify" printed. */
  install: async (config: Config, [file = ""]: readonly string[]): Promise<string> => {
    const { root, keys } = certifiedSchema.parse(await readJson(file));
    const pinned = { publicKey: fromBase64Url(root), crypto: nodeCrypto };
    return withOrigin(config, async ({ redis }) => {
      const lines: string[] = [];
      for (const { kid, starling_certificate: certificate = "" } of keys) {
        const now = instantMs(Date.now());
        const { purpose, expiresAtS } = verifyKeyCertificate(certificate, pinned, now);
        if (!(await certifyKey(redis, kid, certificate))) {
          throw new StarlingError(
            "signing-key-not-found",
            `The origin does not publish the key ${kid}: certify what "starling keys public" prints now.`,
          );
        }
        lines.push(`${purpose}\t${kid}\tuntil ${new Date(expiresAtS * 1000).toISOString()}`);
      }
      return lines.join("\n");
    });
  },
} as const;

async function readJson(file: string): Promise<unknown> {
  return parseJson(await readFile(file, "utf8"), "key-file-malformed");
}
