import type { Logger } from "pino";
import { StarlingError } from "../core/index.ts";
import type {
  ChildLogs,
  PublishSession,
  PublishSessions,
  StreamRegistry,
} from "../pipeline/index.ts";
import type { DiskStatus } from "./disk-watch.ts";
import type { PackagingSettings } from "./package-run.ts";
import { Publication } from "./publication.ts";
import { type IngestStatus, RateMeter } from "./publication-status.ts";
import type { Reconciliation } from "./reconciliation.ts";
import type { PublisherControl, PublishRequest, TagSink } from "./rtmp/connection.ts";
import type { Catalogue } from "./session-directory.ts";

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

  constructor(options: PublishDoorOptions) {
    this.#options = options;
  }

  /**
   * Checks the key and takes the stream. Throws StarlingError "publisher-key" or "publisher-busy",
   * with a message for the broadcaster.
   */
  async open(request: PublishRequest, control: PublisherControl): Promise<TagSink> {
    const admission = this.#admit(request, control);
    this.#admissions.add(admission);
    try {
      return await admission;
    } finally {
      this.#admissions.delete(admission);
    }
  }

  async #admit(request: PublishRequest, control: PublisherControl): Promise<TagSink> {
    const { registry, sessions, leaseMs } = this.#options;
    const stream = await registry.authorise(request.streamKey);
    if (stream === undefined) {
      throw new StarlingError(
        "publisher-key",
        "The stream key is wrong: copy it again, whole, from where the stream was made.",
      );
    }
    const session = await sessions.open(stream.id, { filler: request.filler, leaseMs });
    this.#evictOthers(stream.id);
    return this.#publish(session, request, control);
  }

  /** The publishers that are in, and how fast segments get complete. */
  status(): Pick<IngestStatus, "publishers" | "segmentsPerS"> {
    const publishers = [...this.#publications].map((publication) => publication.status());
    return { publishers, segmentsPerS: this.#segments.perS };
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
    { remoteAddress }: PublishRequest,
    control: PublisherControl,
  ): TagSink {
    const { catalogue, settings, reconciliation, disk, childLogs } = this.#options;
    const { id, stream, filler } = session;
    const log = this.#options.log.child({ stream, session: id });
    log.info({ remoteAddress, filler }, "publish session open");
    const publication = new Publication({
      ...{ session, control, catalogue, settings, disk, childLogs, log },
      turn: this.#turns.get(stream) ?? reconciliation.turnOf(stream),
      onSegment: () => this.#segments.add(1),
    });
    this.#publications.add(publication);
    this.#turns.set(stream, publication.finished);
    void publication.finished.then(() => this.#forget(publication));
    return publication;
  }

  #forget(publication: Publication): void {
    const { stream, finished } = publication;
    this.#publications.delete(publication);
    if (this.#turns.get(stream) === finished) this.#turns.delete(stream);
  }
}
