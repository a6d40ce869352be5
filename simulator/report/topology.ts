import type { Topology } from "../run-result.ts";
import { type Html, html } from "./html.ts";

type Peer = Topology["nodes"][number];
interface Place {
  readonly x: number;
  readonly y: number;
}

const SIZE = 720;
const CENTRE: number = SIZE / 2;
const MARGIN = 24;
const RING_MAX = 8;
/** A ring with more peers is drawn as a band. */
const RING_PEERS_MAX = 40;

/**
 * The mesh as rings: the seeds in the middle, a peer on the ring of its hops from them, beside the peers of its
 * own cluster. The area of a dot grows with the peer's uplink; its colour is its role. Shows the shape of the
 * mesh, not each link.
 */
export function topologySvg({ nodes, edges }: Topology): Html {
  const places = placesOf(nodes);
  const roles = [...new Set(nodes.map(({ role }) => role))];
  const uplinkMax = Math.max(1, ...nodes.map(({ uplinkBps }) => uplinkBps));
  const lines = edges.map(([a, b]) => {
    const from = places.get(a);
    const to = places.get(b);
    return from === undefined || to === undefined ? "" : `M${from.x} ${from.y}L${to.x} ${to.y}`;
  });
  const dots = nodes.map(({ id, role, uplinkBps }) => {
    const { x, y } = places.get(id) ?? { x: CENTRE, y: CENTRE };
    const radius = rounded(2 + 5 * Math.sqrt(uplinkBps / uplinkMax));
    return html`<circle class="role-${roles.indexOf(role) + 1}" cx="${x}" cy="${y}" r="${radius}"/>`;
  });
  const legend = roles.map((role, index) => {
    const count = nodes.filter((node) => node.role === role).length;
    return html`<span><i class="dot role-${index + 1}"></i>${role} ${count}</span> `;
  });
  return html`<svg class="topology" viewBox="0 0 ${SIZE} ${SIZE}" role="img" aria-label="${nodes.length} peers">
<path class="edges" d="${lines.join("")}"/>
${dots}
</svg>
<p class="legend">${legend}</p>`;
}

function placesOf(peers: readonly Peer[]): ReadonlyMap<number, Place> {
  const outermost = peers.reduce((most, peer) => Math.max(most, ringOf(peer)), 1);
  const width = (CENTRE - MARGIN) / (outermost + 0.5);
  const places = new Map<number, Place>();
  for (let ring = 0; ring <= outermost; ring++) {
    const members = peers.filter((peer) => ringOf(peer) === ring);
    members.sort((a, b) => a.cluster - b.cluster || a.id - b.id);
    members.forEach(({ id }, position) => {
      const radius = Math.max(
        members.length > 1 ? 10 : 0,
        (ring + depth(position, members.length)) * width,
      );
      const angle = (2 * Math.PI * (position + 0.5)) / members.length;
      places.set(id, {
        x: rounded(CENTRE + radius * Math.sin(angle)),
        y: rounded(CENTRE - radius * Math.cos(angle)),
      });
    });
  }
  return places;
}

/** Hops are a mean over symbols. Who has none is outside. */
function ringOf({ hop }: Peer): number {
  return hop >= 0 && hop < RING_MAX ? Math.round(hop) : RING_MAX;
}

/** Neighbours in a full ring stand at different depths of its band. */
function depth(position: number, members: number): number {
  return members <= RING_PEERS_MAX ? 0 : 0.75 * (((position * 0.618_034) % 1) - 0.5);
}

function rounded(value: number): number {
  return Math.round(10 * value) / 10;
}
