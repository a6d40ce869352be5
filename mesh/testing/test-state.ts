import {
  assert,
  type InstantMs,
  instantMs,
  LAG_STEP_MS,
  LAGS,
  type Message,
  nobleCrypto,
  type PeerRole,
  utf8,
} from "../../core/index.ts";
import type { Block } from "../block.ts";
import { type MeshOptions, MeshState } from "../mesh-state.ts";
import { Neighbour } from "../neighbour.ts";
import type { Tuning } from "../tuning.ts";
import { UploadQueue } from "../upload-queue.ts";
import { uploadBudget } from "../uploads.ts";
import { peerIdOf, segmentOf, TestOrigin } from "./test-origin.ts";

export const START: InstantMs = instantMs(1_800_000_000_000);

/** What a test neighbour says of itself. */
export interface Claims {
  readonly role: PeerRole;
  readonly capacityKbps: number;
  readonly roomKbps: number;
  readonly spare: number;
  /** The lag of all classes of rendition 0; undefined: it gets none. */
  readonly lagMs: number | undefined;
}

/** The state of one peer, for tests of a part of it. */
export class TestState {
  readonly origin: TestOrigin = new TestOrigin();
  readonly state: MeshState;

  constructor(
    role: PeerRole,
    options: { uploadBytesPerS?: number; tuning?: Partial<Tuning>; relay?: boolean } = {},
  ) {
    const { uploadBytesPerS = 10_000_000, ...rest } = options;
    const uploads = uploadBudget(START, uploadBytesPerS);
    const own: MeshOptions = { ...this.origin.options(START, "own", role, {}, uploads), ...rest };
    this.state = new MeshState(own);
  }

  /** Adds a neighbour whose hello was good. */
  join(
    name: string,
    claims: Partial<Claims> = {},
    now: InstantMs = START,
    isOutbound = true,
  ): Neighbour {
    const neighbour = neighbourOf(name, now, isOutbound);
    this.state.add(neighbour);
    this.state.setReady(neighbour, claims.role ?? "viewer");
    claim(neighbour, claims);
    return neighbour;
  }

  /** Adds a block: with all of its symbols, or one to be collected. */
  addBlock(
    sequence: number,
    kind: "published" | "wanted",
    {
      releasedAt = START,
      byteLength = 60_000,
    }: { releasedAt?: InstantMs; byteLength?: number } = {},
  ): Block {
    const id = { rendition: 0, sequence, part: 0 };
    const published = this.origin.block(START, id, segmentOf(sequence, byteLength));
    const { jws, leaves, symbols } = published;
    const manifest = this.state.options.blocks.verify(START, jws, leaves);
    const announced = { manifest, jws, leaves };
    const block =
      kind === "published"
        ? this.state.cache.addPublished(releasedAt, announced, symbols)
        : this.state.cache.addWanted(releasedAt, announced);
    assert(block !== undefined, "there is room for the block");
    return block;
  }

  /** Lets all neighbours be heard. */
  hear(now: InstantMs): void {
    for (const neighbour of this.state.neighbours.values()) neighbour.heardAt = now;
  }

  /** What was sent since the last call: all messages of one type, each with its addressee's id. */
  sent<Type extends Message["type"]>(
    type: Type,
  ): { readonly to: string; readonly message: Extract<Message, { type: Type }> }[] {
    const isOfType = (message: Message): message is Extract<Message, { type: Type }> =>
      message.type === type;
    return this.state.outputs
      .splice(0)
      .flatMap((output) =>
        output.kind === "transmit" && isOfType(output.message)
          ? [{ to: output.neighbour, message: output.message }]
          : [],
      );
  }
}

/** A neighbour with the key of its name that has not said hello. */
export function neighbourOf(name: string, now: InstantMs = START, isOutbound = true): Neighbour {
  const fingerprint = nobleCrypto.sha256(utf8(name));
  return new Neighbour(
    now,
    {
      ...{ id: peerIdOf(name), isOutbound },
      ...{ localFingerprint: fingerprint, remoteFingerprint: fingerprint },
    },
    { queue: new UploadQueue(), budget: uploadBudget(now, 10_000_000) },
  );
}

/** Lets a neighbour say something of itself. */
export function claim(
  neighbour: Neighbour,
  { capacityKbps = 10_000, roomKbps = 10_000, spare = 16, lagMs }: Partial<Claims>,
): void {
  const lags = new Uint8Array(LAGS).fill(Math.round((lagMs ?? 0) / LAG_STEP_MS));
  const feeds = lagMs === undefined ? [] : [{ rendition: 0, lags }];
  neighbour.setStatus({ type: "status", capacityKbps, roomKbps, spare, feeds });
}

/** `ms` after START. */
export function at(ms: number): InstantMs {
  return instantMs(START + ms);
}
