import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import {
  fromBase64Url,
  instantMs,
  keyIdOf,
  type Manifest,
  type Message,
  merkleRoot,
  parseJwks,
  signManifest,
  toBase64Url,
  utf8,
  verifyManifest,
} from "../../core/index.ts";
import { nodeCrypto } from "../../core/node/index.ts";
import { eventually, HostilePeer, type Lie, newestSequence } from "../../test/index.ts";
import type { Attack, AttackOutcome, AttackStage } from "./stage.ts";

const { publicKeyOf, sha256, sign } = nodeCrypto;

/** A manifest with its leaves, as it is sent. */
type Statement = Pick<Extract<Message, { type: "manifest" }>, "jws" | "leaves">;

/** A neighbour that sends three bad manifests is cut. */
const STRIKES = 3;

/** Attacks of peers with a good token on their neighbours. */
export const MESH_ATTACKS: readonly Attack[] = [
  {
    name: "pollution",
    seconds: 8,
    refusals: ["symbol-bad-hash"],
    isFirst: true,
    run: async (stage, seconds, watch) => {
      const peer = await HostilePeer.join(stage.origin, flipped);
      await eventually(() => peer.blocks >= 3, 30_000);
      // While the origin's own seeder hangs, the polluter is the only one to ask.
      const resume = await stage.origin.haltRole("seeder");
      watch();
      await eventually(() => peer.victims.size > 0, 30_000).finally(resume);
      return afterLying(peer, seconds);
    },
  },
  {
    name: "manifest forgery",
    seconds: 6,
    refusals: ["manifest-unknown-key"],
    run: async (stage, seconds) => {
      const forged = await resigned(stage, sha256(utf8("thief")));
      return lying(stage, seconds, greetingWith(new Array<Statement>(STRIKES).fill(forged)));
    },
  },
  {
    name: "replay",
    seconds: 6,
    refusals: ["manifest-expired"],
    isFirst: true,
    run: async (stage, seconds, watch) => {
      const { jws, manifest } = await newestManifest(stage);
      await delay(Math.max(0, manifest.expiresAtS * 1000 + 500 - Date.now()));
      const old = { jws, leaves: [new Uint8Array(32)] };
      watch();
      return lying(stage, seconds, greetingWith(new Array<Statement>(STRIKES).fill(old)));
    },
  },
  {
    // The origin's own key says two things of one block: the messenger is not to blame, and is not cut.
    name: "equivocation",
    seconds: 6,
    refusals: ["manifest-equivocation"],
    run: async (stage, seconds) => {
      const file = await readFile(join(stage.origin.dataDir, "keys", "manifest.json"), "utf8");
      const stolen = fromBase64Url((JSON.parse(file) as { d: string }).d);
      const lie = greetingWith([await resigned(stage, stolen)]);
      const peer = await HostilePeer.join(stage.origin, lie);
      await delay(seconds * 1000);
      await peer.leave();
      const headers = { Authorization: `Bearer ${stage.origin.apiKey}` };
      const response = await fetch(`${stage.origin.httpUrl}/api/v1/equivocations`, { headers });
      const { equivocations } = (await response.json()) as { equivocations: unknown[] };
      const detail = `proved to the operator: ${equivocations.length}; the messenger is kept`;
      return { stopped: equivocations.length > 0, cutMs: null, detail };
    },
  },
];

async function lying(stage: AttackStage, seconds: number, lie: Lie): Promise<AttackOutcome> {
  return afterLying(await HostilePeer.join(stage.origin, lie), seconds);
}

/** Some seconds later a peer must have been cut by those it lied to. */
export async function afterLying(peer: HostilePeer, seconds: number): Promise<AttackOutcome> {
  await delay(seconds * 1000);
  const victims = [...peer.victims.values()];
  const cuts = victims.flatMap(({ liedToAtMs, goneAtMs }) =>
    goneAtMs === undefined ? [] : [goneAtMs - liedToAtMs],
  );
  await peer.leave();
  return {
    // Who knows an old manifest already, such as the seeder, need not look at it.
    stopped: cuts.length > 0,
    cutMs: cuts.length === 0 ? null : Math.max(...cuts),
    attackers: [peer.id],
    detail: `${cuts.length} of ${victims.length} that were lied to cut it`,
  };
}

const flipped: Lie = (message) => {
  if (message.type !== "symbol") return [message];
  const bytes = message.bytes.slice();
  bytes[7] = (bytes[7] ?? 0) ^ 1;
  return [{ ...message, bytes }];
};

/** Says hello, and then hands out manifests. */
function greetingWith(statements: readonly Statement[]): Lie {
  const lies = statements.map((one): Message => ({ type: "manifest", ageMs: 0, ...one }));
  return (message) => (message.type === "hello" ? [message, ...lies] : [message]);
}

async function newestManifest(stage: AttackStage): Promise<{ jws: string; manifest: Manifest }> {
  const { httpUrl } = stage.origin;
  const sequence = await newestSequence(stage.origin);
  const jws = await eventually(async () => {
    const response = await fetch(`${httpUrl}/live/main/${sequence}.manifest`);
    return response.ok ? response.text() : undefined;
  }, 10_000);
  const keys = parseJwks(await (await fetch(`${httpUrl}/.well-known/jwks.json`)).json());
  const trust = { keys, crypto: nodeCrypto };
  return {
    jws,
    manifest: verifyManifest(jws, trust, { stream: "main", now: instantMs(Date.now()) }),
  };
}

/** The newest manifest with other symbols, signed by `secretKey`. */
async function resigned(stage: AttackStage, secretKey: Uint8Array): Promise<Statement> {
  const { manifest } = await newestManifest(stage);
  const leaves = Array.from({ length: manifest.fec.n }, (_, esi) => sha256(Uint8Array.of(esi)));
  const root = toBase64Url(merkleRoot(nodeCrypto, leaves));
  const keyId = keyIdOf(publicKeyOf(secretKey), nodeCrypto);
  const other = { ...manifest, root, expiresAtS: manifest.expiresAtS + 60 };
  return { jws: signManifest(other, keyId, (message) => sign(message, secretKey)), leaves };
}
