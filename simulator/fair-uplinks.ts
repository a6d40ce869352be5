/**
 * Messages that wait for uplinks that serve their flows in turn, a message each: a flow is a direction, and
 * what one sends to many neighbours does not wait behind what it sends to one.
 */
export class FairUplinks {
  /** By direction: the flights that wait, the first first. A flow that is empty has none. */
  readonly #flows = new Map<number, number[]>();
  /** By machine: the directions that have something waiting, the next in turn first. */
  readonly #turns = new Map<number, number[]>();
  readonly #busy = new Set<number>();

  /** Lets a flight wait for its turn. */
  add(machine: number, direction: number, flight: number): void {
    const flow = this.#flows.get(direction);
    if (flow !== undefined) {
      flow.push(flight);
      return;
    }
    this.#flows.set(direction, [flight]);
    const turns = this.#turns.get(machine);
    if (turns === undefined) this.#turns.set(machine, [direction]);
    else turns.push(direction);
  }

  /** Whether a machine's uplink sends something. */
  isBusy(machine: number): boolean {
    return this.#busy.has(machine);
  }

  /** Whether something of a flow has not had its turn. */
  isWaiting(direction: number): boolean {
    return this.#flows.has(direction);
  }

  /** Takes the flight whose turn it is, which makes the uplink busy; idle, and undefined, if there is none. */
  take(machine: number): number | undefined {
    const turns = this.#turns.get(machine);
    const direction = turns?.shift();
    const flow = direction === undefined ? undefined : this.#flows.get(direction);
    const flight = flow?.shift();
    if (direction === undefined || flight === undefined) {
      this.#busy.delete(machine);
      return undefined;
    }
    if (flow?.length === 0) this.#flows.delete(direction);
    else turns?.push(direction);
    this.#busy.add(machine);
    return flight;
  }
}
