import { assert, instantMs, type Manifest, type Message, Random } from "../core/index.ts";
import type { Input, Output } from "../mesh/index.ts";
import { Agenda } from "./agenda.ts";
import { AttackMonitor } from "./attack-monitor.ts";
import { Broadcast } from "./broadcast.ts";
import { BurstLoss } from "./burst-loss.ts";
import { Checkers } from "./checkers/index.ts";
import { Dialler } from "./dialler.ts";
import { forked } from "./distributions.ts";
import { EVENT } from "./event-kinds.ts";
import { EventQueue } from "./event-queue.ts";
import type { Host } from "./host.ts";
import { HostFactory, type HostPlan } from "./host-factory.ts";
import { Metrics } from "./metrics.ts";
import { Network, type NetworkListener } from "./network.ts";
import type { Protocol } from "./protocol.ts";
import type { Settings } from "./settings.ts";
import { TraceHash } from "./trace-hash.ts";
import { Tracker } from "./tracker.ts";

/** The virtual time at which every run starts: tokens and manifests count seconds from 1970. */
export const START_MS = 1_000_000;
/** A joining peer opens a WebSocket to the tracker. */
const TRACKER_JOIN_RTTS = 2;
/** A tracker notices that a peer vanished when its socket dies. */
const TRACKER_NOTICE_MS = 20_000;
/** Timeouts in a row at one instant after which a peer will never be quiet. */
const TIMEOUTS_AT_ONCE_MAX = 1000;

/**
 * Hosts, the network between them, the tracker and the broadcast, driven by one event queue. Gives
 * inputs to peers and carries out what they want. Nothing here depends on anything but settings and seed.
 */
export class World implements NetworkListener {
  readonly settings: Settings;
  readonly agenda: Agenda;
  readonly network: Network;
  readonly broadcast: Broadcast;
  readonly tracker: Tracker;
  readonly metrics: Metrics;
  readonly checkers: Checkers;
  /** Watches the attack, if there is one. */
  readonly attackMonitor: AttackMonitor | undefined;
  readonly hosts: Host[] = [];
  readonly trace: TraceHash = new TraceHash();
  /** For who comes and goes: the same for every protocol that runs in this world. */
  readonly random: Random;
  /** Answers a peer's "fetch". Set by the origin. */
  onFetch: (host: Host, output: Extract<Output, { kind: "fetch" }>) => void = () => undefined;
  readonly #queue = new EventQueue();
  readonly #factory: HostFactory;
  readonly #dialler: Dialler;
  readonly #byId = new Map<string, Host>();
  /** The ids of all hosts by their numbers: what is looked up for each message is kept small. */
  readonly #ids: string[] = [];
  #timeoutsAtOnce = 0;

  constructor(settings: Settings, seed: number, protocol: Protocol) {
    this.settings = settings;
    const random = new Random(seed);
    this.random = forked(random);
    this.#queue.timeMs = START_MS;
    this.agenda = new Agenda(this.#queue);
    const loss = new BurstLoss(forked(random), settings.lossRate, settings.lossBurstPackets);
    this.network = new Network(this.#queue, forked(random), loss, settings, this);
    this.broadcast = new Broadcast(forked(random), {
      bytesPerS: settings.streamKbps * 125,
      blockMs: settings.blockMs,
      symbolBytes: settings.symbolBytes,
      repairRatio: settings.repairRatio,
      rateSwing: settings.rateSwing,
    });
    this.#factory = new HostFactory(settings, random, {
      protocol,
      broadcast: this.broadcast,
      stations: this.network.stations,
    });
    this.tracker = new Tracker(forked(random), settings.originUplink, settings);
    this.metrics = new Metrics(settings, this.broadcast, START_MS);
    this.checkers = new Checkers(this.broadcast, this.network);
    this.attackMonitor = settings.attack === "none" ? undefined : new AttackMonitor();
    this.#dialler = new Dialler({
      agenda: this.agenda,
      isTrackerUp: () => this.tracker.isUp,
      find: (id) => this.#byId.get(id),
      delayMs: (a, b) => this.delayMs(a, b),
      connect: (a, b) => this.#connect(a, b),
      undialable: (host, peer) => this.feed(host, { kind: "undialable", peer }),
      relay: (host, peer, via, payload) => this.feed(host, { kind: "signal", peer, via, payload }),
    });
  }

  get now(): number {
    return this.#queue.timeMs;
  }

  /** Events so far. */
  get events(): number {
    return this.#queue.taken;
  }

  /** Lets everything happen up to `untilMs`. */
  run(untilMs: number): void {
    const queue = this.#queue;
    while (queue.next(untilMs)) {
      switch (queue.kind) {
        case EVENT.arrived:
          this.network.arrived(queue.argument);
          break;
        case EVENT.delivered:
          this.network.delivered(queue.argument);
          break;
        case EVENT.drained:
          this.network.drained(queue.argument);
          break;
        case EVENT.closed:
          this.network.closed(queue.argument);
          break;
        case EVENT.uplinkFree:
          this.network.uplinkFree(queue.argument);
          break;
        case EVENT.timeout:
          this.#timeout(this.hosts[queue.argument] as Host);
          break;
        default:
          this.agenda.run(queue.argument);
      }
    }
  }

  /** Adds a host whose viewer presses play, or a seed peer that starts, now. */
  join(plan: HostPlan): Host {
    const host = this.#factory.make(this.now, plan);
    this.hosts.push(host);
    this.#ids.push(host.id);
    this.#byId.set(host.id, host);
    this.metrics.joined(host);
    this.checkers.joined(host, this.now);
    this.enterTracker(host, 0);
    return host;
  }

  /** Lets a host open its socket to the tracker after `delayMs`, and be introduced. */
  enterTracker(host: Host, delayMs: number): void {
    const handshakeMs = 2 * TRACKER_JOIN_RTTS * this.#originDelayMs(host);
    this.agenda.in(delayMs + handshakeMs, () => {
      if (!host.isPresent) return;
      if (!this.tracker.isUp) {
        this.enterTracker(host, 1000);
        return;
      }
      this.tracker.join(host);
      if (!host.isSeed) this.#introduce(host);
    });
  }

  /** A host says goodbye and goes. */
  leave(host: Host): void {
    this.feed(host, { kind: "leave" });
    for (const direction of host.links.values()) this.network.close(direction);
    this.network.leave(host.index);
    this.#bury(host, 0, true);
  }

  /** A host vanishes without a word. `isCounted`: whether its session counts as one that ended. */
  crash(host: Host, isCounted: boolean): void {
    this.network.crash(host.index, host.links.values());
    this.#bury(host, TRACKER_NOTICE_MS, isCounted);
  }

  /** Gives a peer an input and carries out what it wants. */
  feed(host: Host, input: Input): void {
    if (input.kind !== "message") this.trace.input(this.now, host.index, input.kind);
    const { peer } = host;
    peer.handleInput(instantMs(this.now), input);
    let outputs = 0;
    for (let output = peer.pollOutput(); output !== undefined; output = peer.pollOutput()) {
      outputs++;
      this.#act(host, output);
    }
    this.checkers.outputs(outputs);
    this.#arm(host);
  }

  /** One-way delay between two hosts. */
  delayMs(a: Host, b: Host): number {
    return this.#factory.geography.delayMs(a.traits.place, b.traits.place);
  }

  sent(direction: number, message: Message, wireBytes: number): void {
    const host = this.hosts[this.network.links.from(direction)] as Host;
    this.metrics.sent(host, message, wireBytes);
    if (this.attackMonitor !== undefined && !host.isAttacker && !host.isSeed) {
      const to = this.hosts[this.network.links.to(direction)] as Host;
      this.attackMonitor.sent(this.now, host, to, message, wireBytes);
    }
    this.checkers.sent(this.now, host, direction, message);
  }

  departs(direction: number, wireBytes: number, resentBytes: number, departAt: number): void {
    const from = this.network.links.from(direction);
    this.checkers.departs(this.now, from, { wireBytes, resentBytes, departAt });
    if (resentBytes > 0) this.metrics.resent(this.hosts[from] as Host, resentBytes);
  }

  received(direction: number, message: Message): void {
    const from = this.network.links.from(direction);
    const to = this.network.links.to(direction);
    const host = this.hosts[to] as Host;
    this.trace.message(this.now, from, to, message);
    this.attackMonitor?.received(this.now, this.hosts[from] as Host, host, message);
    if (message.type === "symbol" || message.type === "manifest") {
      this.metrics.received(host, this.hosts[from] as Host, message, this.now);
    }
    this.feed(host, { kind: "message", neighbour: this.#ids[from] as string, message });
  }

  drained(direction: number, bytes: number): void {
    const host = this.hosts[this.network.links.from(direction)] as Host;
    const neighbour = this.#ids[this.network.links.to(direction)] as string;
    this.feed(host, { kind: "buffered", neighbour, bytes });
  }

  closed(direction: number): void {
    const neighbour = this.hosts[this.network.links.from(direction)] as Host;
    const host = this.hosts[this.network.links.to(direction)] as Host;
    if (host.links.get(neighbour.id) === (direction ^ 1)) host.links.delete(neighbour.id);
    this.feed(host, { kind: "closed", neighbour: neighbour.id });
  }

  #act(host: Host, output: Output): void {
    switch (output.kind) {
      case "transmit": {
        const direction = host.links.get(output.neighbour);
        assert(direction !== undefined, "a peer sends to neighbours that it is connected to");
        this.network.send(direction, output.message);
        break;
      }
      case "disconnect":
        this.#disconnect(host, output.neighbour);
        break;
      case "dial":
        this.#dialler.dial(host, output.peer, output.via);
        break;
      case "signal":
        this.#dialler.signal(host, output.peer, output.via, output.payload);
        break;
      case "wantPeers":
        this.#wantPeers(host, output.count);
        break;
      case "fetch":
        this.onFetch(host, output);
        break;
      case "block":
        this.#block(host, output.manifest, output.bytes);
        break;
      case "missing":
        this.checkers.missing(host, output.block);
        break;
      case "ready":
      case "manifest":
      case "equivocation":
      case "rejected":
        break;
      default:
        output satisfies never;
    }
  }

  #block(host: Host, manifest: Manifest, bytes: Uint8Array): void {
    this.checkers.block(host, manifest, bytes);
    this.metrics.completed(host, manifest, this.now);
  }

  #disconnect(host: Host, neighbour: string): void {
    const direction = host.links.get(neighbour);
    if (direction === undefined) return;
    host.links.delete(neighbour);
    this.network.close(direction);
  }

  #connect(initiator: Host, other: Host): void {
    const direction = this.network.links.connect(
      initiator.index,
      other.index,
      this.delayMs(initiator, other),
    );
    initiator.links.set(other.id, direction);
    other.links.set(initiator.id, direction ^ 1);
    for (const [host, neighbour] of [
      [initiator, other],
      [other, initiator],
    ] as const) {
      if (!host.links.has(neighbour.id)) continue; // The first to know may have hung up at once.
      this.feed(host, {
        kind: "connected",
        neighbour: neighbour.id,
        localFingerprint: host.traits.fingerprint,
        remoteFingerprint: neighbour.traits.fingerprint,
        isInitiator: host === initiator,
      });
    }
  }

  #wantPeers(host: Host, count: number): void {
    this.agenda.in(2 * this.#originDelayMs(host), () => {
      if (host.isPresent && this.tracker.isUp) this.#introduce(host, count);
    });
  }

  #introduce(host: Host, count?: number): void {
    const peers = this.tracker.introduce(this.now, host, count);
    if (peers.length > 0) this.feed(host, { kind: "introduced", peers });
  }

  /** Arms the timer of a host's peer. An earlier event stays where it is and finds nothing to do. */
  #arm(host: Host): void {
    const at = host.peer.pollTimeout();
    if (at === undefined || at >= host.timeoutAt) return;
    host.timeoutAt = Math.max(at, this.now);
    this.#queue.push(host.timeoutAt, EVENT.timeout, host.index);
  }

  #timeout(host: Host): void {
    const { now } = this;
    if (host.timeoutAt !== now) return;
    host.timeoutAt = Number.POSITIVE_INFINITY;
    const at = host.peer.pollTimeout();
    if (at === undefined || at > now) {
      this.#arm(host);
      return;
    }
    this.feed(host, { kind: "timeout" });
    this.#timeoutsAtOnce = host.timeoutAt === now ? this.#timeoutsAtOnce + 1 : 0;
    assert(
      this.#timeoutsAtOnce < TIMEOUTS_AT_ONCE_MAX,
      "a timeout that was handled is not due again",
    );
  }

  #originDelayMs(host: Host): number {
    return this.#factory.geography.delayMs(host.traits.place, this.#factory.geography.origin());
  }

  #bury(host: Host, trackerNoticeMs: number, isCounted: boolean): void {
    this.metrics.left(host, this.now, isCounted);
    this.checkers.left(host);
    host.bury();
    this.#byId.delete(host.id);
    this.agenda.in(trackerNoticeMs, () => this.tracker.leave(host));
  }
}
