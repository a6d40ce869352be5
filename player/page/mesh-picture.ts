import type { StarlingStats } from "../index.ts";

type Neighbour = StarlingStats["neighbours"][number];

const SVG = "http://www.w3.org/2000/svg";
const NEIGHBOURS_SHOWN_MAX = 24;
/** In units of the picture's viewBox. */
const CENTRE = { x: 150, y: 62 };
const RADIUS = { x: 130, y: 48 };
/** How far what comes and what goes bend away from the straight line between two. */
const BEND = 7;
/** What is less than this is talk, not video. */
const MEDIA_BITS_PER_S_MIN = 20_000;
const FULL_TURN = 2 * Math.PI;

/** A place on the ellipse around the viewer. */
export interface Place {
  readonly x: number;
  readonly y: number;
}

/** Spreads neighbours evenly around the viewer, from the top on, in an order that stays when others come. */
export function placesOf(ids: readonly string[]): ReadonlyMap<string, Place> {
  const sorted = [...ids].sort();
  return new Map(
    sorted.map((id, index) => {
      const angle = (index / sorted.length) * FULL_TURN - FULL_TURN / 4;
      const x = Math.round(CENTRE.x + RADIUS.x * Math.cos(angle));
      return [id, { x, y: Math.round(CENTRE.y + RADIUS.y * Math.sin(angle)) }];
    }),
  );
}

interface Drawn {
  readonly line: SVGLineElement;
  /** What comes from the neighbour, and what goes to it. */
  readonly getting: SVGPathElement;
  readonly giving: SVGPathElement;
  readonly dot: SVGCircleElement;
}

/** Draws the viewer among its neighbours. What says the same in words stands beside it. */
export class MeshPicture {
  readonly #svg: SVGSVGElement;
  readonly #drawn = new Map<string, Drawn>();
  readonly #lines = element("g", {});
  readonly #dots = element("g", {});

  constructor(svg: SVGSVGElement) {
    this.#svg = svg;
    const you = element("circle", { class: "you", cx: CENTRE.x, cy: CENTRE.y, r: 9 });
    this.#svg.append(this.#lines, this.#dots, you);
  }

  show(neighbours: readonly Neighbour[]): void {
    const shown = neighbours.slice(0, NEIGHBOURS_SHOWN_MAX);
    const places = placesOf(shown.map(({ id }) => id));
    for (const [id, drawn] of this.#drawn) {
      if (places.has(id)) continue;
      for (const part of Object.values(drawn)) part.remove();
      this.#drawn.delete(id);
    }
    for (const neighbour of shown) {
      const place = places.get(neighbour.id);
      if (place !== undefined) this.#draw(neighbour, place);
    }
  }

  #draw({ id, role, sentBitsPerS, receivedBitsPerS }: Neighbour, place: Place): void {
    const { line, getting, giving, dot } = this.#drawn.get(id) ?? this.#add(id, role);
    set(line, { x2: place.x, y2: place.y });
    set(getting, { d: flowOf(place, CENTRE) });
    set(giving, { d: flowOf(CENTRE, place) });
    getting.style.strokeWidth = String(widthOf(receivedBitsPerS));
    giving.style.strokeWidth = String(widthOf(sentBitsPerS));
    set(dot, { cx: place.x, cy: place.y });
  }

  #add(id: string, role: Neighbour["role"]): Drawn {
    const drawn = {
      line: element("line", { class: "line", x1: CENTRE.x, y1: CENTRE.y }),
      getting: element("path", { class: `flow ${role}` }),
      giving: element("path", { class: "flow you" }),
      dot: element("circle", { class: role, r: role === "seed" ? 8 : 6 }),
    };
    this.#lines.append(drawn.line, drawn.getting, drawn.giving);
    this.#dots.append(drawn.dot);
    this.#drawn.set(id, drawn);
    return drawn;
  }
}

/** How thick a flow is drawn; 0: not at all. */
export function widthOf(bitsPerS: number): number {
  if (bitsPerS < MEDIA_BITS_PER_S_MIN) return 0;
  return Math.round(10 * Math.min(1 + 2 * Math.sqrt(bitsPerS / 1e6), 4)) / 10;
}

/** The way of a flow: bent to its right, so that the one that comes back has a way of its own. */
function flowOf(from: Place, to: Place): string {
  const dx = to.x - from.x;
  const dy = to.y - from.y;
  const length = Math.hypot(dx, dy) || 1;
  const x = Math.round((from.x + to.x) / 2 - (2 * BEND * dy) / length);
  const y = Math.round((from.y + to.y) / 2 + (2 * BEND * dx) / length);
  return `M${from.x} ${from.y}Q${x} ${y} ${to.x} ${to.y}`;
}

function element<Name extends keyof SVGElementTagNameMap>(
  name: Name,
  attributes: Readonly<Record<string, string | number>>,
): SVGElementTagNameMap[Name] {
  const made = document.createElementNS(SVG, name);
  set(made, attributes);
  return made;
}

function set(target: SVGElement, attributes: Readonly<Record<string, string | number>>): void {
  for (const [name, value] of Object.entries(attributes)) target.setAttribute(name, String(value));
}
