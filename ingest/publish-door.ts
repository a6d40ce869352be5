import { createHash, timingSafeEqual } from "node:crypto";
import type { Logger } from "pino";
import { isStreamId, StarlingError } from "../core/index.ts";
import type {
  ChildLogs,
  PublishSession,
  PublishSessions,
  Stream,
  StreamRegistry,
  ViewerLines,
} from "../pipeline/index.ts";
import type { DiskStatus } from "./disk-watch.ts";
import { Refusals } from "./doctor/refusals.ts";
import type { PackagingSettings } from "./package-run.ts";
import { Publication } from "./publication.ts";
import { type IngestStatus, RateMeter } from "./publication-status.ts";
import type { Reconciliation } from "./reconciliation.ts";
import type { Recorder } from "./recorder.ts";
import type { PublisherControl, PublishRequest, TagSink } from "./rtmp/connection.ts";
import type { Catalogue, FreshMedia } from "./session-directory.ts";
import type { SlateFormat } from "./slate.ts";
import type { Thumbnails } from "./thumbnails.ts";

/** What the door needs to know and to touch. */
export interface PublishDoorOptions {
  readonly registry: StreamRegistry;
  readonly sessions: PublishSessions;
  readonly catalogue: Catalogue;
  readonly settings: PackagingSettings;
  readonly leaseMs: number | undefined;
  readonly reconciliation: Reconciliation;
  /** How much room the media have now. */
  readonly disk: () => DiskStatus;
  readonly childLogs: ChildLogs;
  readonly viewerLines: ViewerLines;
  /** Whether streams are recorded that say nothing themselves. */
  readonly recording: boolean;
  readonly recorder: Pick<Recorder, "add">;
  readonly thumbnails: Pick<Thumbnails, "offer">;
  /** Told when a broadcaster has left whose stream a slate may be shown in. */
  readonly onLeft: (stream: string, format: SlateFormat) => void;
  /** What a server in front, which checks keys itself, shows us. Undefined: there is none. */
  readonly frontSecret?: string | undefined;
  readonly log: Logger;
}

/** Lets publishers in by their stream key, one per stream, and knows who is in. */
export class PublishDoor {
  readonly #options: PublishDoorOptions;
  readonly #publications = new Set<Publication>();
  /** Publishers that are being let in. */
  readonly #admissions = new Set<Promise<TagSink>>();
  /** When the newest session of each stream has registered its last segment. */
  readonly #turns = new Map<string, Promise<void>>();
  readonly #segments = new RateMeter();
  readonly #refusals = new Refusals();

  constructor(options: PublishDoorOptions) {
    this.#options = options;
  }

  /**
   * Checks the key and takes the stream. Throws StarlingError "publisher-key", "publisher-front" or
   * "publisher-busy", with a message for the broadcaster.
   */
  async open(request: PublishRequest, control: PublisherControl): Promise<TagSink> {
    return this.#counted(this.#admit(request, control));
  }

  /**
   * Takes a stream for who was let in elsewhere, by the passphrase of its own port or as the slate. Throws
   * StarlingError "stream-unknown" or "publisher-busy".
   */
  async openStream(
    id: string,
    control: PublisherControl,
    { filler, remoteAddress }: Pick<PublishRequest, "filler" | "remoteAddress">,
  ): Promise<TagSink> {
    const stream = await this.#options.registry.get(id);
    if (stream === undefined) {
      throw new StarlingError("stream-unknown", `There is no stream "${id}": create it first.`);
    }
    return this.#counted(this.#enter(stream, { filler, remoteAddress }, control));
  }

  async #counted(admission: Promise<TagSink>): Promise<TagSink> {
    this.#admissions.add(admission);
    try {
      return await admission;
    } finally {
      this.#admissions.delete(admission);
    }
  }

  async #admit(request: PublishRequest, control: PublisherControl): Promise<TagSink> {
    const stream = await this.#streamOf(request);
    if (stream === undefined) {
      throw new StarlingError(
        "publisher-key",
        "The stream key is wrong: copy it again, whole, from where the stream was made.",
      );
    }
    return this.#enter(stream, request, control);
  }

  async #enter(
    stream: Stream,
    request: Pick<PublishRequest, "filler" | "remoteAddress">,
    control: PublisherControl,
  ): Promise<TagSink> {
    const { sessions, leaseMs } = this.#options;
    const session = await sessions.open(stream.id, { filler: request.filler, leaseMs });
    this.#evictOthers(stream.id);
    return this.#publish(session, stream, { request, control });
  }

  /** The stream of a key, or the one that a front names, which has checked the key itself. */
  async #streamOf({ streamKey, frontSecret }: PublishRequest): Promise<Stream | undefined> {
    const { registry, frontSecret: expected } = this.#options;
    if (frontSecret === undefined) return registry.authorise(streamKey);
    if (expected === undefined || !timingSafeEqual(digest(frontSecret), digest(expected))) {
      throw new StarlingError(
        "publisher-front",
        "The front's secret is wrong: give --front-secret to the ingest and the same to the front.",
      );
    }
    return isStreamId(streamKey) ? registry.get(streamKey) : undefined;
  }

  /** The publishers that are in, and how fast segments get complete. */
  status(): Pick<IngestStatus, "publishers" | "segmentsPerS" | "ladderCores" | "refusals"> {
    const publishers = [...this.#publications].map((publication) => publication.status());
    const refusals = this.#refusals.recent(Date.now());
    const { cores: max, taken } = this.#options.settings.ladders.budget;
    const ladderCores = { taken, max };
    return { publishers, segmentsPerS: this.#segments.perS, ladderCores, refusals };
  }

  /** Somebody of a stream was turned away before there was anything to publish. */
  refused(stream: string, code: string, reason: string): void {
    this.#refusals.note(Date.now(), stream, { code, reason });
  }

  /** Measures the segment rate; call it every `intervalMs`. */
  tick(intervalMs: number): void {
    this.#segments.tick(intervalMs);
  }

  /** Waits until the last segments of all publishers are registered. Nobody knocks any more. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#admissions);
    await Promise.all([...this.#publications].map(({ finished }) => finished));
  }

  /** Whoever else publishes has just lost the lease and should not find out only by renewing it. */
  #evictOthers(stream: string): void {
    for (const publication of this.#publications) {
      if (publication.stream === stream) void publication.renew();
    }
  }

  #publish(
    session: PublishSession,
    policy: Stream,
    {
      request: { remoteAddress },
      control,
    }: {
      readonly request: Pick<PublishRequest, "remoteAddress">;
      readonly control: PublisherControl;
    },
  ): TagSink {
    const { catalogue, settings, reconciliation, disk, childLogs, viewerLines } = this.#options;
    const { id, stream, filler } = session;
    const log = this.#options.log.child({ stream, session: id });
    log.info({ remoteAddress, filler }, "publish session open");
    const publication = new Publication({
      ...{ session, control, catalogue, settings, disk, childLogs, viewerLines, log },
      renditions: policy.renditions,
      onMedia: (media) => this.#keep(policy, session, media),
      turn: this.#turns.get(stream) ?? reconciliation.turnOf(stream),
      onSegment: () => {
        this.#segments.add(1);
        // What is left of one who was turned away is no success.
        if (!publication.hasEnded) this.#refusals.forget(stream);
      },
      onEnd: (code, reason) => this.refused(stream, code, reason),
    });
    this.#publications.add(publication);
    this.#turns.set(stream, publication.finished);
    void publication.finished.then(() => {
      this.#forget(publication);
      const format = publication.slateFormat;
      if (!filler && format !== undefined) this.#options.onLeft(stream, format);
    });
    return publication;
  }

  /** A test card is not worth keeping, and a picture of an encrypted stream is not for everybody. */
  async #keep(stream: Stream, { filler }: PublishSession, media: FreshMedia): Promise<void> {
    const { recorder, thumbnails, recording } = this.#options;
    if (stream.contentSecret === "") thumbnails.offer(stream.id, media);
    if (!filler && (stream.recording ?? recording)) await recorder.add(stream.id, media);
  }

  #forget(publication: Publication): void {
    const { stream, finished } = publication;
    this.#publications.delete(publication);
    if (this.#turns.get(stream) === finished) this.#turns.delete(stream);
  }
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
