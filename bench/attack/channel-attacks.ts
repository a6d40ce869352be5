import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { encodeMessage, type Message } from "../../core/index.ts";
import { eventually, HostilePeer, type Tampering, ViewerProcess } from "../../test/index.ts";
import { HostileTracker } from "./hostile-tracker.ts";
import { afterLying } from "./mesh-attacks.ts";
import type { Attack, AttackOutcome, AttackStage } from "./stage.ts";

/** Above what the protocol allows (64 KiB), below what a connection takes (128 KiB). */
const LONG_BYTES = 100_000;
/** Above what a connection takes. */
const HUGE_BYTES = 4_000_000;
/** Over three times what makes a strike: a burst, and four more that count half (PROTOCOL.md, Message budgets). */
const FLOOD_REQUESTS = 40_000;
const MITM_MS_MAX = 30_000;

/** Attacks on the channels between peers, and on how they come about. */
export const CHANNEL_ATTACKS: readonly Attack[] = [
  {
    name: "long message",
    seconds: 4,
    run: (stage, seconds) => tampering(stage, seconds, { bytes: [new Uint8Array(LONG_BYTES)] }),
  },
  {
    // Whoever does not keep to what the other end takes: as a changed description makes the library do.
    name: "huge message",
    seconds: 4,
    run: (stage, seconds) => tampering(stage, seconds, { bytes: [new Uint8Array(HUGE_BYTES)] }),
  },
  {
    name: "request flood",
    seconds: 4,
    run: (stage, seconds) => tampering(stage, seconds, { bytes: requests(FLOOD_REQUESTS) }),
  },
  { name: "tracker in the middle", seconds: 4, run: trackerInTheMiddle },
  { name: "expelled viewer", seconds: 4, run: expelledViewer },
];

async function tampering(
  stage: AttackStage,
  seconds: number,
  { bytes }: { readonly bytes: readonly Uint8Array[] },
): Promise<AttackOutcome> {
  const lie: Tampering = (hello) => [hello, ...bytes];
  return afterLying(await HostilePeer.tamper(stage.origin, lie), seconds);
}

function requests(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, sequence) => {
    const block = { rendition: 0, sequence, part: 0 };
    const request: Message = { type: "request", block, withinMs: 4000, esis: [0, 1, 2, 3] };
    return encodeMessage(request);
  });
}

/** A peer in good standing whose token is revoked, and that comes back with another one at once. */
async function expelledViewer(stage: AttackStage, seconds: number): Promise<AttackOutcome> {
  const { httpUrl, apiKey } = stage.origin;
  const peer = await HostilePeer.tamper(stage.origin, (hello) => [hello]);
  await eventually(() => peer.victims.size > 1, 30_000);
  const { jti } = JSON.parse(
    Buffer.from(peer.token.split(".")[1] ?? "", "base64url").toString(),
  ) as { jti: string };
  const revokedAtMs = Date.now();
  await fetch(`${httpUrl}/api/v1/streams/main/tokens/${jti}`, {
    method: "DELETE",
    headers: { Authorization: `Bearer ${apiKey}` },
  });
  await delay(seconds * 1000);
  const neighbours = [...peer.victims.values()];
  const goneAtMs = neighbours.flatMap((victim) => victim.goneAtMs ?? []);
  await peer.leave();
  return {
    stopped: goneAtMs.length === neighbours.length,
    cutMs: Math.max(...goneAtMs) - revokedAtMs,
    attackers: [peer.id],
    detail: `${goneAtMs.length} of ${neighbours.length} neighbours parted from it`,
  };
}

/** A viewer whose tracker ends DTLS on both sides must not take it for its neighbours. */
async function trackerInTheMiddle(stage: AttackStage): Promise<AttackOutcome> {
  const tracker = await HostileTracker.open(stage.origin.httpUrl);
  const folder = join(stage.folder, "behind-hostile-tracker");
  const victim = new ViewerProcess(tracker, folder);
  const startedAtMs = performance.now();
  try {
    await eventually(
      () => victim.log.includes("refused: hello-bad-proof"),
      MITM_MS_MAX,
      () => victim.log,
    );
    const cutMs = Math.round(performance.now() - startedAtMs);
    await delay(1000);
    const played = (await victim.sequences()).length;
    const { rejected } = await victim.end();
    return {
      stopped: played === 0 && tracker.bridged > 0,
      cutMs,
      detail: `${tracker.bridged} channels carried, hello-bad-proof ${rejected["hello-bad-proof"] ?? 0}, ${played} segments taken by them`,
    };
  } finally {
    await tracker.close();
  }
}
