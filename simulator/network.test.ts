import { describe, expect, test } from "@jest/globals";
import { type Message, messageByteLength, Random } from "../core/index.ts";
import { BurstLoss } from "./burst-loss.ts";
import { EVENT } from "./event-kinds.ts";
import { EventQueue } from "./event-queue.ts";
import { Network, type NetworkListener, type UplinkQueue } from "./network.ts";

const BPS = 8_000_000; // A byte takes 1 us.
const DELAY_MS = 40;

function symbol(byteLength: number, esi = 0): Message {
  const block = { rendition: 0, sequence: 0, part: 0 };
  return { type: "symbol", block, esi, bytes: new Uint8Array(byteLength) };
}

class Log implements NetworkListener {
  readonly queue: EventQueue;
  readonly lines: { what: string; atMs: number; direction: number; bytes: number }[] = [];

  constructor(queue: EventQueue) {
    this.queue = queue;
  }

  sent(): void {
    // What a test wants to know is told when the message leaves.
  }

  departs(direction: number, wireBytes: number, resentBytes: number): void {
    this.#add("sent", direction, wireBytes + resentBytes);
  }

  received(direction: number, message: Message): void {
    this.#add("received", direction, messageByteLength(message));
  }

  drained(direction: number, bytes: number): void {
    this.#add("drained", direction, bytes);
  }

  closed(direction: number): void {
    this.#add("closed", direction, 0);
  }

  of(what: string): { atMs: number; direction: number; bytes: number }[] {
    return this.lines
      .filter((line) => line.what === what)
      .map(({ atMs, direction, bytes }) => ({ atMs, direction, bytes }));
  }

  #add(what: string, direction: number, bytes: number): void {
    this.lines.push({ what, atMs: this.queue.timeMs, direction, bytes });
  }
}

let queue: EventQueue;
let log: Log;
let network: Network;

function start(
  lossRate = 0,
  downlinkBps = BPS,
  order: UplinkQueue = "fifo",
): { a: number; b: number; link: number } {
  queue = new EventQueue();
  log = new Log(queue);
  const loss = new BurstLoss(new Random(2), lossRate, 2);
  network = new Network(queue, new Random(1), loss, { jitter: 0, queue: order }, log);
  const a = network.stations.add(BPS, BPS);
  const b = network.stations.add(BPS, downlinkBps);
  return { a, b, link: network.links.connect(a, b, DELAY_MS) };
}

function run(untilMs = 1e9): void {
  while (queue.next(untilMs)) {
    if (queue.kind === EVENT.arrived) network.arrived(queue.argument);
    else if (queue.kind === EVENT.delivered) network.delivered(queue.argument);
    else if (queue.kind === EVENT.drained) network.drained(queue.argument);
    else if (queue.kind === EVENT.uplinkFree) network.uplinkFree(queue.argument);
    else network.closed(queue.argument);
  }
}

describe("access links", () => {
  test("a message takes its time on the uplink and on the way", () => {
    const { link } = start();
    network.send(link, symbol(10_000));
    run();
    const wireBytes = 10_000 + 9 + 16;
    expect(log.of("sent")).toEqual([{ atMs: 0, direction: link, bytes: wireBytes }]);
    const [received] = log.of("received");
    expect(received?.atMs).toBeCloseTo(wireBytes / 1000 + DELAY_MS, 9);
  });

  test("messages of one host leave one after the other, to whomever they go", () => {
    const { a, link } = start();
    const other = network.links.connect(a, network.stations.add(BPS, BPS), DELAY_MS);
    network.send(link, symbol(10_000));
    network.send(other, symbol(10_000));
    run();
    const [first, second] = log.of("received");
    expect(Number(second?.atMs) - Number(first?.atMs)).toBeCloseTo(10.025, 9);
  });

  test("a small message pays for a packet unless one for the same neighbour waits before it", () => {
    const { link } = start();
    const ping: Message = { type: "ping", id: 1 };
    network.send(link, ping);
    network.send(link, ping);
    run();
    network.send(link, ping);
    const [first, second, third] = log.of("sent").map(({ bytes }) => bytes);
    expect([first, second, third]).toEqual([5 + 16 + 60, 5 + 16, 5 + 16 + 60]);
  });

  test("a downlink that is slower than what comes makes it wait", () => {
    const { link } = start(0, BPS / 4);
    for (let esi = 0; esi < 3; esi++) network.send(link, symbol(10_000, esi));
    run();
    const at = log.of("received").map(({ atMs }) => atMs);
    expect(Number(at[2]) - Number(at[1])).toBeCloseTo(4 * 10.025, 6);
  });

  test("what is left of a channel's queue is told as messages leave", () => {
    const { link } = start();
    for (let esi = 0; esi < 5; esi++) network.send(link, symbol(16_000, esi));
    run();
    expect(log.of("drained").map(({ bytes }) => bytes)).toEqual([2 * 16_009, 16_009, 0]);
  });
});

describe("uplinks that serve their flows in turn", () => {
  function fair(): { a: number; b: number; link: number; other: number } {
    const world = start(0, BPS, "fair");
    const other = network.links.connect(world.a, network.stations.add(BPS, BPS), DELAY_MS);
    return { ...world, other };
  }

  test("what goes to one neighbour does not wait behind all that goes to another", () => {
    const { link, other } = fair();
    for (let esi = 0; esi < 4; esi++) network.send(link, symbol(10_000, esi));
    network.send(other, symbol(10_000));
    run();
    const order = log.of("received").map(({ direction }) => direction);
    expect(order).toEqual([link, link, other, link, link]);
    expect(log.of("received").at(-1)?.atMs).toBeCloseTo(5 * 10.025 + DELAY_MS, 9);
  });

  test("a channel that is closed lets what waits in it leave first", () => {
    const { a, link, other } = fair();
    for (let esi = 0; esi < 3; esi++) network.send(link, symbol(10_000, esi));
    network.send(other, symbol(10_000));
    network.close(link);
    network.leave(a);
    run();
    expect(log.of("received")).toHaveLength(4);
    const lastAt = log.of("received").findLast(({ direction }) => direction === link)?.atMs;
    expect(log.of("closed").map(({ direction }) => direction)).toEqual([link]);
    expect(Number(log.of("closed")[0]?.atMs)).toBeGreaterThanOrEqual(Number(lastAt));
    expect(network.totals.sent).toBe(network.totals.received);
  });

  test("what had not had its turn when its host crashed is lost", () => {
    const { a, link, other } = fair();
    for (let esi = 0; esi < 3; esi++) network.send(link, symbol(10_000, esi));
    run(15);
    network.crash(a, [link, other]);
    run();
    expect(log.of("received")).toHaveLength(1);
    const { sent, received, dropped } = network.totals;
    expect(sent).toBe(received + dropped);
  });
});

describe("paths", () => {
  test("lost packets are sent again, and their message comes a round trip later", () => {
    const { link } = start(0.3);
    for (let esi = 0; esi < 50; esi++) network.send(link, symbol(1000, esi));
    run();
    const { sent, received, lost } = network.totals;
    expect(lost).toBeGreaterThan(0);
    expect(sent).toBe(received + lost);
    const late = log.of("received").filter(({ atMs }) => atMs > 2 * DELAY_MS + 60);
    expect(late.length).toBeGreaterThan(5);
    expect(log.of("received")).toHaveLength(50);
  });

  test("a closed end hears nothing more, and the other side learns of it after the last message", () => {
    const { link } = start();
    network.send(link, symbol(1000));
    network.close(link);
    network.send(link ^ 1, symbol(1000));
    run();
    expect(log.of("received")).toHaveLength(1);
    const [received] = log.of("received");
    const [closed] = log.of("closed");
    expect(closed).toMatchObject({ direction: link });
    expect(Number(closed?.atMs)).toBeGreaterThanOrEqual(Number(received?.atMs));
    expect(network.totals.dropped).toBe(1000 + 9 + 16 + 60);
  });

  test("what had not left a crashed host never comes, and its neighbour learns of it 20 s later", () => {
    const { a, link } = start();
    network.send(link, symbol(10_000));
    network.send(link, symbol(10_000));
    run(15);
    network.crash(a, [link]);
    run();
    expect(log.of("received")).toHaveLength(1);
    expect(log.of("closed")).toEqual([
      { atMs: expect.closeTo(20_010, -2), direction: link, bytes: 0 },
    ]);
    const { sent, received, dropped } = network.totals;
    expect(sent).toBe(received + dropped);
  });

  test("hosts on one machine share its uplink", () => {
    const { a, b, link } = start();
    const twin = network.stations.add(BPS, BPS, a);
    const other = network.links.connect(twin, b, DELAY_MS);
    network.send(link, symbol(10_000));
    network.send(other, symbol(10_000));
    run();
    const [first, second] = log.of("received");
    expect(Number(second?.atMs) - Number(first?.atMs)).toBeCloseTo(10.025, 9);
  });
});
