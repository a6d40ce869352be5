import type { StarlingStats } from "../index.ts";

type Neighbour = StarlingStats["neighbours"][number];

const SVG = "http://www.w3.org/2000/svg";
const NEIGHBOURS_SHOWN_MAX = 24;
/** In units of the picture's viewBox. */
const CENTRE = { x: 150, y: 70 };
const RADIUS = { x: 118, y: 50 };
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
    for (const [id, { line, dot }] of this.#drawn) {
      if (places.has(id)) continue;
      line.remove();
      dot.remove();
      this.#drawn.delete(id);
    }
    for (const neighbour of shown) {
      const place = places.get(neighbour.id);
      if (place !== undefined) this.#draw(neighbour, place);
    }
  }

  #draw({ id, role, pushes }: Neighbour, { x, y }: Place): void {
    const { line, dot } = this.#drawn.get(id) ?? this.#add(id, role);
    set(line, { x2: x, y2: y, class: pushes > 0 ? "line giving" : "line" });
    line.style.strokeWidth = String(1 + Math.min(pushes, 16) / 5);
    set(dot, { cx: x, cy: y });
  }

  #add(id: string, role: Neighbour["role"]): Drawn {
    const line = element("line", { x1: CENTRE.x, y1: CENTRE.y });
    const dot = element("circle", { class: role, r: role === "seed" ? 8 : 6 });
    this.#lines.append(line);
    this.#dots.append(dot);
    const drawn = { line, dot };
    this.#drawn.set(id, drawn);
    return drawn;
  }
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
