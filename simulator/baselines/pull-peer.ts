import { after, type InstantMs, type Message } from "../../core/index.ts";
import { type BaselineBlock, blockNumber } from "./baseline-block.ts";
import type { BaselineNeighbour } from "./baseline-neighbour.ts";
import { type BaselineOptions, BaselinePeer, type Upload } from "./baseline-peer.ts";
import { UploadQueue } from "./upload-queue.ts";

const TICK_MS = 100;
const DEGREE = 16;
/** DONet exchanges maps each second, others twice a second. */
const MAP_INTERVAL_MS = 500;
const REQUEST_TIMEOUT_MS = 1200;
/** On its way back when the request lapses, a symbol would come twice. */
const RETURN_MS = 200;
const ASKED_MAX = 16;
/** A neighbour that answers sooner is asked for more, one that answers later for less. */
const ANSWER_GOAL_MS = 400;

interface Pending extends Upload {
  readonly askedAt: InstantMs;
  readonly until: InstantMs;
}

/**
 * Pure pull: neighbours exchange maps of what they have at fixed times, and ask each other for what they lack, the
 * oldest block first and its symbols in a random order (DONet, INFOCOM 2005; Chainsaw, IPTPS 2005).
 */
export class PullPeer extends BaselinePeer {
  protected readonly uploads: UploadQueue = new UploadQueue();
  #pending: Pending[] = [];
  #mapsAt: InstantMs | undefined;

  constructor(options: BaselineOptions, degree: number = DEGREE) {
    super(options, TICK_MS, degree);
  }

  protected override tick(now: InstantMs): void {
    this.lapse(now);
    this.#mapsAt ??= after(now, this.options.random.below(MAP_INTERVAL_MS));
    if (now >= this.#mapsAt) {
      this.#mapsAt = after(now, MAP_INTERVAL_MS);
      if (this.options.uplinkBps > 0) this.announce(this.neighbours.values(), () => true);
    }
    if (!this.isSeed) this.pull(now);
  }

  /** Asks for what is lacking: each neighbour in turn for some, as long as any has room. */
  protected pull(now: InstantMs): void {
    const neighbours = this.options.random.shuffle([...this.neighbours.values()]);
    const blocks = [...this.blocks.values()].filter((block) => this.isWanted(now, block));
    for (let round = 0; round < ASKED_MAX / 2; round++) {
      const asked = neighbours.map((neighbour) => this.#pullFrom(now, neighbour, blocks, 2));
      if (!asked.includes(true)) return;
    }
  }

  protected isWanted(_now: InstantMs, block: BaselineBlock): boolean {
    return !(block.isComplete || block.isMissing);
  }

  /** Whether a symbol is on its way without being asked for. */
  protected isAwaited(_now: InstantMs, _block: BaselineBlock, _esi: number): boolean {
    return false;
  }

  protected ask(
    now: InstantMs,
    neighbour: BaselineNeighbour,
    block: BaselineBlock,
    esis: readonly number[],
    timeoutMs: number = REQUEST_TIMEOUT_MS,
  ): void {
    for (const esi of esis) {
      block.asked.add(esi);
      neighbour.asked++;
      const until = after(now, timeoutMs);
      const upload = { neighbour: neighbour.id, block: block.number, esi };
      this.#pending.push({ ...upload, askedAt: now, until });
    }
    const withinMs = timeoutMs - RETURN_MS;
    this.send(neighbour, { type: "request", block: block.id, withinMs, esis });
  }

  protected override requested(
    now: InstantMs,
    from: BaselineNeighbour,
    request: Extract<Message, { type: "request" }>,
  ): void {
    const block = this.blocks.get(blockNumber(request.block));
    if (block !== undefined) this.uploads.ask(now, from.id, block, request);
  }

  protected override cancelled(
    from: BaselineNeighbour,
    block: number,
    esis: readonly number[],
  ): void {
    this.uploads.cancel(from.id, block, esis);
  }

  protected override obtained(
    now: InstantMs,
    block: BaselineBlock,
    esi: number,
    from?: string,
  ): void {
    this.#settle((pending) => {
      if (pending.block !== block.number || pending.esi !== esi) return false;
      const neighbour = this.neighbours.get(pending.neighbour);
      if (neighbour !== undefined && pending.neighbour === from) {
        const isSoon = now - pending.askedAt <= ANSWER_GOAL_MS;
        const askedMax = isSoon ? neighbour.askedMax + 0.5 : neighbour.askedMax * 0.8;
        neighbour.askedMax = Math.min(ASKED_MAX, Math.max(1, askedMax));
      }
      return true;
    });
  }

  protected override nextUpload(now: InstantMs): Upload | undefined {
    return this.uploads.next(now, this.blocks, this.isSeed);
  }

  protected override met(_now: InstantMs, neighbour: BaselineNeighbour): void {
    this.introduceBlocks(neighbour);
  }

  protected override lost(neighbour: BaselineNeighbour): void {
    this.#settle((pending) => pending.neighbour === neighbour.id);
  }

  protected override forgotten(block: BaselineBlock): void {
    this.uploads.forget(block);
    this.#settle((pending) => pending.block === block.number);
  }

  #pullFrom(
    now: InstantMs,
    neighbour: BaselineNeighbour,
    blocks: readonly BaselineBlock[],
    most: number,
  ): boolean {
    const room = Math.min(most, Math.floor(neighbour.askedMax) - neighbour.asked);
    if (room <= 0) return false;
    for (const block of this.options.random.shuffle([...blocks])) {
      const lacking = neighbour.has(block.number)?.without(block.held, block.asked) ?? [];
      const esis = lacking.filter((esi) => !this.isAwaited(now, block, esi));
      if (esis.length === 0) continue;
      this.ask(now, neighbour, block, this.options.random.shuffle(esis).slice(0, room));
      return true;
    }
    return false;
  }

  /** What did not come in time may be asked of others, and its neighbour for less. */
  protected lapse(now: InstantMs): void {
    this.#settle((pending) => {
      if (pending.until > now) return false;
      const neighbour = this.neighbours.get(pending.neighbour);
      if (neighbour !== undefined) neighbour.askedMax = Math.max(1, neighbour.askedMax / 2);
      return true;
    });
  }

  #settle(isOver: (pending: Pending) => boolean): void {
    this.#pending = this.#pending.filter((pending) => {
      if (!isOver(pending)) return true;
      this.blocks.get(pending.block)?.asked.delete(pending.esi);
      const neighbour = this.neighbours.get(pending.neighbour);
      if (neighbour !== undefined) neighbour.asked--;
      return false;
    });
  }
}
