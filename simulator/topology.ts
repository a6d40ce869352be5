import type { Host } from "./host.ts";
import type { Topology } from "./run-result.ts";
import type { World } from "./world.ts";

const EDGES_MAX = 1500;

/** The mesh as it is now: every host that is there, and a sample of the links between them. */
export function topologyOf({ hosts, metrics, network, random }: World): Topology {
  const present = hosts.filter((host) => host.isPresent);
  const links = present.flatMap((host) => [...host.links.values()].filter(isFirst));
  const sample = links.length <= EDGES_MAX ? links : random.shuffle(links).slice(0, EDGES_MAX);
  return {
    nodes: present.map((host) => ({
      id: host.index,
      role: roleOf(host),
      uplinkBps: host.traits.uplinkBps,
      cluster: host.traits.place.city,
      hop: Math.round((metrics.record(host)?.hop ?? 0) * 10) / 10,
    })),
    edges: sample.map((direction) => [network.links.from(direction), network.links.to(direction)]),
  };
}

/** Each link is seen from both of its ends: count it once. */
function isFirst(direction: number): boolean {
  return (direction & 1) === 0;
}

function roleOf({ isAttacker, traits: { role } }: Host): string {
  return isAttacker ? "attacker" : role;
}
