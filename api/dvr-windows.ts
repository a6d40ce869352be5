import {
  newestLasting,
  type SegmentRecord,
  type Stream,
  TIMELINE_RECORDS_MAX,
  type Timeline,
} from "../pipeline/index.ts";

type Records = readonly SegmentRecord[];

/**
 * What viewers of a stream can go back to. A record never changes, so that of an hour only what is new has to be
 * read again and again.
 */
export class DvrWindows {
  readonly #timeline: Pick<Timeline, "get" | "window">;
  readonly #known = new Map<string, Records>();

  constructor(timeline: Pick<Timeline, "get" | "window">) {
    this.#timeline = timeline;
  }

  /** The newest records of a rendition, and before them as many as the stream's policy asks for. */
  async window({ id, dvrS }: Stream, rendition: number, newest: Records): Promise<Records> {
    const key = `${id}/${rendition}`;
    const [first] = newest;
    if (dvrS === undefined || first === undefined) {
      this.#known.delete(key);
      return newest;
    }
    const before = await this.#before(id, rendition, first);
    const all = [...before, ...newest];
    const window = all.slice(-Math.max(newest.length, newestLasting(all, dvrS * 1000)));
    this.#known.set(key, window);
    return window;
  }

  /** The records before `first` without a hole: those that are known, if they still are there. */
  async #before(id: string, rendition: number, first: SegmentRecord): Promise<Records> {
    const known = this.#known.get(`${id}/${rendition}`) ?? [];
    const isBefore = ({ block }: SegmentRecord) => block.sequence < first.block.sequence;
    const before = known.filter(isBefore);
    const [oldest] = before;
    const isGapless = before.at(-1)?.block.sequence === first.block.sequence - 1;
    if (oldest !== undefined && isGapless && (await this.#timeline.get(id, oldest.block))) {
      return before;
    }
    return (await this.#timeline.window(id, rendition, TIMELINE_RECORDS_MAX)).filter(isBefore);
  }
}
