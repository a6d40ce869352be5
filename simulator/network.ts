import { assert, type Message, messageByteLength, type Random } from "../core/index.ts";
import type { BurstLoss } from "./burst-loss.ts";
import { EVENT } from "./event-kinds.ts";
import type { EventQueue } from "./event-queue.ts";
import { FairUplinks } from "./fair-uplinks.ts";
import { Flights } from "./flights.ts";
import { Links } from "./links.ts";
import { Stations } from "./stations.ts";

/** What a message costs beside its own bytes: SCTP chunk header and authentication. */
const MESSAGE_OVERHEAD_BYTES = 16;
/** What a small message costs that travels alone: IP, UDP, DTLS and SCTP headers of a packet of its own. */
const PACKET_OVERHEAD_BYTES = 60;
const PACKET_BYTES = 1200;
/** Messages from this size on are told the moment they leave; smaller ones once they add up to the second. */
const DRAIN_MESSAGE_BYTES = 1024;
const DRAIN_REPORT_BYTES = 4096;
/** How an uplink orders what it sends: as it came, or by flow in turn, a flow being what goes to one neighbour. */
export type UplinkQueue = "fifo" | "fair";

/** A driver hears of its channel's queue once it is this short (bufferedAmountLowThreshold). */
const LOW_WATER_BYTES: number = 32 * 1024;
/** How long after a round trip a loss is noticed. */
const LOSS_NOTICE_MS = 20;
/** A packet that was lost this often gets through. */
const RETRANSMISSIONS_MAX = 10;
/** A crashed host says nothing: its neighbours' stacks notice only then. */
const CRASH_NOTICE_MS = 20_000;

/** Who hears what the network does. */
export interface NetworkListener {
  /** A message was handed to the uplink. */
  sent(direction: number, message: Message, wireBytes: number): void;
  /** A message leaves the uplink at `departAt`, and after it what of it has to be sent again. */
  departs(direction: number, wireBytes: number, resentBytes: number, departAt: number): void;
  received(direction: number, message: Message): void;
  /** For the sender of the direction: so many bytes are left in its channel's queue. */
  drained(direction: number, queuedBytes: number): void;
  /** For the receiver of the direction: the other side closed, or is gone. */
  closed(direction: number): void;
}

/** Bytes on the wire since the start. What was sent is in one of the other three, or on its way. */
export interface WireTotals {
  sent: number;
  received: number;
  /** In packets that were lost on their way, and sent again. */
  lost: number;
  /** In messages that came to closed links or hosts that were gone, or never left a crashed host. */
  dropped: number;
}

/** What a network is like. */
export interface NetworkOptions {
  /** Share of its delay by which a message may come earlier or later. */
  readonly jitter: number;
  readonly queue: UplinkQueue;
}

/**
 * Carries messages: through the queue of the sender's uplink, over a path with delay, jitter and
 * lost packets, through the queue of the receiver's downlink. Messages may overtake each other. What is
 * not modelled: congestion control (a sender always fills its uplink) and bottlenecks inside the network.
 */
export class Network {
  readonly links: Links = new Links();
  readonly flights: Flights = new Flights();
  readonly stations: Stations = new Stations();
  readonly totals: WireTotals = { sent: 0, received: 0, lost: 0, dropped: 0 };
  readonly #queue: EventQueue;
  readonly #random: Random;
  readonly #loss: BurstLoss;
  readonly #jitter: number;
  readonly #listener: NetworkListener;
  /** What waits, where flows are served in turn. */
  readonly #uplinks: FairUplinks | undefined;
  /** Directions that close once all that waits has left. */
  readonly #closing = new Set<number>();

  constructor(
    queue: EventQueue,
    random: Random,
    loss: BurstLoss,
    options: NetworkOptions,
    listener: NetworkListener,
  ) {
    this.#queue = queue;
    this.#random = random;
    this.#loss = loss;
    this.#jitter = options.jitter;
    this.#uplinks = options.queue === "fair" ? new FairUplinks() : undefined;
    this.#listener = listener;
  }

  /** Sends a message by an open direction. */
  send(direction: number, message: Message): void {
    const { links } = this;
    const byteLength = messageByteLength(message);
    const isAlone =
      byteLength < PACKET_BYTES &&
      links.lastDepartAt(direction) <= this.#queue.timeMs &&
      this.#uplinks?.isWaiting(direction) !== true;
    const wireBytes = byteLength + MESSAGE_OVERHEAD_BYTES + (isAlone ? PACKET_OVERHEAD_BYTES : 0);
    const through = links.queue(direction, byteLength);
    const slot = this.flights.add(direction, message, wireBytes, through);
    this.totals.sent += wireBytes;
    this.#listener.sent(direction, message, wireBytes);
    if (this.#uplinks === undefined) {
      this.#depart(slot);
      return;
    }
    const machine = this.stations.machineOf(links.from(direction));
    this.#uplinks.add(machine, direction, slot);
    if (!this.#uplinks.isBusy(machine)) this.uplinkFree(machine);
  }

  /** An uplink that serves flows in turn sends the next message. */
  uplinkFree(machine: number): void {
    const slot = this.#uplinks?.take(machine);
    if (slot === undefined) return;
    const direction = this.flights.direction(slot);
    this.#depart(slot);
    this.#queue.push(this.stations.uplinkFreeAt(machine), EVENT.uplinkFree, machine);
    if (this.#uplinks?.isWaiting(direction) !== true && this.#closing.delete(direction)) {
      this.#tellClosed(direction);
    }
  }

  /** A message has come to the receiver's downlink, where it may have to wait. */
  arrived(slot: number): void {
    const now = this.#queue.timeMs;
    const to = this.links.to(this.flights.direction(slot));
    const throughAt = this.stations.arrive(to, now, this.flights.wireBytes(slot));
    if (throughAt <= now) this.delivered(slot);
    else this.#queue.push(throughAt, EVENT.delivered, slot);
  }

  /** A message is through the receiver's downlink. */
  delivered(slot: number): void {
    const { links, flights, totals } = this;
    const direction = flights.direction(slot);
    const wireBytes = flights.wireBytes(slot);
    const hasLeft = flights.departAt(slot) <= this.stations.goneAt(links.from(direction));
    const message = flights.take(slot);
    assert(message !== undefined, "a message is delivered once");
    if (hasLeft && links.isOpen(direction ^ 1)) {
      totals.received += wireBytes;
      this.#listener.received(direction, message);
    } else {
      totals.dropped += wireBytes;
    }
  }

  /** A message has left the uplink, and with it all that was queued before. */
  drained(slot: number): void {
    const direction = this.flights.direction(slot);
    const queuedBytes = this.links.drain(direction, this.flights.queuedThrough(slot));
    if (queuedBytes > LOW_WATER_BYTES || !this.links.isOpen(direction)) return;
    this.#listener.drained(direction, queuedBytes);
  }

  /** The sender closes its end; the other side hears of it after all that was sent. */
  close(direction: number): void {
    if (!this.links.isOpen(direction)) return;
    this.links.close(direction);
    if (this.#uplinks?.isWaiting(direction) === true) this.#closing.add(direction);
    else this.#tellClosed(direction);
  }

  /** The other side hears that a direction is closed after all that has been given to the line. */
  #tellClosed(direction: number): void {
    const sentBy = Math.max(this.links.lastDepartAt(direction), this.#queue.timeMs);
    const atLatestMs = this.links.delayMs(direction) * (1 + this.#jitter);
    this.#queue.push(sentBy + atLatestMs, EVENT.closed, direction);
  }

  /** The other side of a direction has closed. */
  closed(direction: number): void {
    if (!this.links.isOpen(direction ^ 1)) return;
    this.links.close(direction ^ 1);
    this.#listener.closed(direction);
  }

  /** A host and its links stop at once; nobody is told for 20 s. */
  crash(host: number, directions: Iterable<number>): void {
    const now = this.#queue.timeMs;
    this.stations.stop(host, now);
    for (const direction of directions) {
      this.links.close(direction);
      this.#queue.push(now + CRASH_NOTICE_MS, EVENT.closed, direction);
    }
  }

  /** A host stops once everything that it sent has left. */
  leave(host: number): void {
    if (this.#uplinks !== undefined) return; // What waits has its turn; nothing more will come.
    this.stations.stop(host, Math.max(this.#queue.timeMs, this.stations.uplinkFreeAt(host)));
  }

  /** Gives a message to the line, behind all that was given to it before. */
  #depart(slot: number): void {
    const { links, flights, stations } = this;
    const now = this.#queue.timeMs;
    const direction = flights.direction(slot);
    const wireBytes = flights.wireBytes(slot);
    const from = links.from(direction);
    const departAt = stations.upload(from, now, wireBytes);
    let arriveAt = departAt + this.#delayMs(direction);
    let resentBytes = 0;
    let lost = this.#loss.lost(direction, Math.ceil(wireBytes / PACKET_BYTES));
    for (let round = 0; lost > 0 && round < RETRANSMISSIONS_MAX; round++) {
      resentBytes += Math.min(wireBytes, lost * PACKET_BYTES);
      arriveAt += 2 * links.delayMs(direction) + LOSS_NOTICE_MS;
      lost = this.#loss.lost(direction, lost);
    }
    if (resentBytes > 0) stations.upload(from, now, resentBytes);
    this.totals.sent += resentBytes;
    this.totals.lost += resentBytes;
    flights.depart(slot, departAt);
    const reportBytes = wireBytes >= DRAIN_MESSAGE_BYTES ? 0 : DRAIN_REPORT_BYTES;
    if (links.depart(direction, flights.queuedThrough(slot), departAt, reportBytes)) {
      this.#queue.push(departAt, EVENT.drained, slot);
    }
    this.#queue.push(arriveAt, EVENT.arrived, slot);
    this.#listener.departs(direction, wireBytes, resentBytes, departAt);
  }

  #delayMs(direction: number): number {
    return this.links.delayMs(direction) * (1 + this.#jitter * (2 * this.#random.next() - 1));
  }
}
