import { Audience } from "./audience.ts";
import { Origin } from "./origin.ts";
import { type Protocol, starling } from "./protocol.ts";
import type { RunResult } from "./run-result.ts";
import type { Scenario } from "./scenario.ts";
import { topologyOf } from "./topology.ts";
import { START_MS, World } from "./world.ts";

export interface RunOptions {
  /** Any whole number; the same seed gives the same run. */
  readonly seed: number;
  /** The protocol whose peers run; Starling's own if left out. */
  readonly protocol?: Protocol;
  /** Told after each virtual second. */
  readonly onProgress?: (doneS: number, durationS: number) => void;
}

/**
 * Runs a scenario to its end. Throws an Error that names scenario, seed and virtual time when an
 * invariant is broken.
 */
export function runScenario(
  { name, settings }: Scenario,
  { seed, protocol = starling, onProgress }: RunOptions,
): RunResult {
  const world = new World(settings, seed, protocol);
  let audience: Audience | undefined;
  try {
    new Origin(world);
    audience = new Audience(world);
    for (let second = 1; second <= settings.durationS; second++) {
      world.run(START_MS + second * 1000);
      world.metrics.tick(START_MS + second * 1000, second);
      world.checkers.tick(world.hosts);
      world.attackMonitor?.tick(world.now, world.hosts, world.network.links);
      onProgress?.(second, settings.durationS);
    }
  } catch (error) {
    const timeS = ((world.now - START_MS) / 1000).toFixed(3);
    const cause = error instanceof Error ? error.message : String(error);
    throw new Error(`Scenario ${name}, seed ${seed}, ${timeS} s: ${cause}`, { cause: error });
  }
  return {
    scenario: name,
    protocol: protocol.name,
    seed,
    peers: settings.peers + settings.crowdPeers,
    durationS: settings.durationS,
    warmUpS: settings.warmUpS,
    settings: { ...settings },
    traceHash: world.trace.digest(),
    ...world.metrics.result(world.now),
    ...attackOf(world, audience.victim),
    topology: topologyOf(world),
    checks: world.checkers.counts(),
    cost: { events: world.events, deliveredSymbols: world.metrics.deliveredSymbols },
  };
}

function attackOf(
  { attackMonitor, hosts, metrics, now }: World,
  victim: string | undefined,
): Pick<RunResult, "attack"> {
  if (attackMonitor === undefined) return {};
  const host = hosts.find(({ id }) => id === victim);
  const { settled = 0, missed = 0 } = (host && metrics.record(host)) ?? {};
  const attackers = hosts.filter(({ isAttacker }) => isAttacker).length;
  const victimMiss = settled === 0 ? 0 : missed / settled;
  return { attack: { ...attackMonitor.result(now, attackers), victimMiss } };
}
