import { attackerMaker, type Plot } from "./attackers/index.ts";
import { exponential, forked } from "./distributions.ts";
import type { Host } from "./host.ts";
import { type HostPlan, honestPeer } from "./host-factory.ts";
import { logisticArrivals, Sessions, UplinkDeck } from "./workload.ts";
import { START_MS, type World } from "./world.ts";

const ROLES_PER_DECK = 100;
const SYBIL_HOST_BPS = 100e6;
/** How long a whitewasher keeps an identity. */
const WHITEWASH_EVERY_MS = 10_000;

/** Who comes, and when, and who goes. */
export class Audience implements Plot {
  readonly #world: World;
  readonly #deck: UplinkDeck;
  readonly #sessions: Sessions;
  readonly accomplices: Set<string> = new Set();
  /** The first honest viewer. */
  victim: string | undefined;
  /** Who of the next viewers attacks: dealt like uplinks, so that their share is exact. */
  #roles: boolean[] = [];

  constructor(world: World) {
    this.#world = world;
    const { settings, random } = world;
    const { mix, streamKbps, supply, sessionMu, sessionSigma } = settings;
    this.#deck = new UplinkDeck(forked(random), mix, streamKbps * 1000, supply);
    this.#sessions = new Sessions(forked(random), sessionMu, sessionSigma);
    this.#first();
    if (settings.crowdPeers > 0) this.#crowd();
    if (settings.crashShare > 0) this.#crash();
    if (settings.isChurning) this.#nextArrival(START_MS + settings.joinOverS * 1000);
    if (settings.trackerDownS > 0) this.#trackerOutage();
    if (settings.attack === "sybils" || settings.attack === "eclipse") this.#sybils();
  }

  /** Those who are there when the measurement begins. */
  #first(): void {
    const { agenda, random, settings } = this.#world;
    for (let viewer = 0; viewer < settings.peers; viewer++) {
      const atMs =
        START_MS + ((viewer + random.next()) / settings.peers) * settings.joinOverS * 1000;
      agenda.at(atMs, () => this.#join(() => this.#sessions.drawRest()));
    }
  }

  #crowd(): void {
    const { agenda, random, settings } = this.#world;
    const { crowdPeers, crowdAtS, crowdOverS } = settings;
    for (const delayMs of logisticArrivals(random, crowdPeers, crowdOverS * 1000)) {
      agenda.at(START_MS + crowdAtS * 1000 + delayMs, () =>
        this.#join(() => this.#sessions.draw()),
      );
    }
  }

  /** As many come as go: Poisson arrivals, one mean session's worth of viewers at a time. */
  #nextArrival(fromMs: number): void {
    const { agenda, random, settings } = this.#world;
    const meanGapMs = this.#sessions.meanMs / settings.peers;
    const atMs = fromMs + exponential(random, meanGapMs);
    agenda.at(atMs, () => {
      this.#nextArrival(atMs);
      this.#join(() => this.#sessions.draw());
    });
  }

  #crash(): void {
    const { agenda, hosts, random, settings } = this.#world;
    agenda.at(START_MS + settings.crashAtS * 1000, () => {
      const viewers = hosts.filter((host) => host.isPresent && !host.isSeed);
      const victims = random
        .shuffle(viewers)
        .slice(0, Math.round(viewers.length * settings.crashShare));
      for (const victim of victims) this.#world.crash(victim, false);
    });
  }

  #trackerOutage(): void {
    const { agenda, tracker, settings } = this.#world;
    const downAt = START_MS + settings.trackerDownAtS * 1000;
    agenda.at(downAt, () => {
      tracker.isUp = false;
    });
    agenda.at(downAt + settings.trackerDownS * 1000, () => {
      tracker.isUp = true;
    });
  }

  #join(drawSession: () => number): void {
    const { settings, agenda } = this.#world;
    const isAttacker = this.#dealRole();
    const plan: HostPlan = {
      role: "viewer",
      uplinkBps: this.#deck.deal(),
      isAttacker,
      makePeer: isAttacker ? attackerMaker(settings.attack, this) : honestPeer,
    };
    const host = this.#world.join(plan);
    if (isAttacker) this.accomplices.add(host.id);
    else this.victim ??= host.id;
    if (isAttacker && settings.attack === "whitewashers") this.#whitewash(host, plan);
    if (settings.isChurning) agenda.in(drawSession(), () => this.#end(host));
    if (settings.impatienceS > 0) this.#expectPicture(host, plan, true);
  }

  /** Goes before its name is too bad, and comes back under another. */
  #whitewash(host: Host, plan: HostPlan): void {
    this.#world.agenda.in(WHITEWASH_EVERY_MS, () => {
      this.accomplices.delete(host.id);
      this.#world.leave(host);
      const again = this.#world.join(plan);
      this.accomplices.add(again.id);
      this.#whitewash(again, plan);
    });
  }

  #dealRole(): boolean {
    const { random, settings } = this.#world;
    if (this.#roles.length === 0) {
      const attackers = Math.round(settings.attackShare * ROLES_PER_DECK);
      const roles = Array.from({ length: ROLES_PER_DECK }, (_, at) => at < attackers);
      this.#roles = random.shuffle(roles);
    }
    return this.#roles.pop() ?? false;
  }

  /** Very many identities on a few strong hosts, who come with the first viewers. */
  #sybils(): void {
    const { agenda, random, settings } = this.#world;
    const { sybils, sybilHosts, sybilTokens, joinOverS } = settings;
    const hosts: Host[] = [];
    for (let identity = 0; identity < sybils; identity++) {
      const atMs = START_MS + random.next() * joinOverS * 1000;
      agenda.at(atMs, () => {
        const on = hosts[identity % sybilHosts];
        const host = this.#world.join({
          role: "viewer",
          uplinkBps: SYBIL_HOST_BPS,
          isAttacker: true,
          hasToken: random.next() < sybilTokens,
          makePeer: attackerMaker(settings.attack, this),
          ...(on === undefined ? {} : { on }),
        });
        hosts[identity % sybilHosts] ??= host;
        this.accomplices.add(host.id);
      });
    }
  }

  #end(host: Host): void {
    if (!host.isPresent) return;
    const { random, settings } = this.#world;
    if (random.next() < settings.crashLeave) this.#world.crash(host, true);
    else this.#world.leave(host);
  }

  /** A viewer who sees nothing for too long presses reload, and gives up the second time. */
  #expectPicture(host: Host, plan: HostPlan, isFirstTry: boolean): void {
    const { agenda, random, settings, metrics } = this.#world;
    agenda.in(exponential(random, settings.impatienceS * 1000), () => {
      if (!host.isPresent || metrics.record(host)?.startedAt !== undefined) return;
      this.#world.leave(host);
      if (isFirstTry) this.#expectPicture(this.#world.join(plan), plan, false);
    });
  }
}
