/**
 * Small messages of one host that have not been told as drained. A driver looks at its channels before
 * it gives its peer an input, so that they need no events of their own.
 */
export class SmallMessages {
  readonly #directions: number[] = [];
  readonly #departAt: number[] = [];
  readonly #queuedThrough: number[] = [];
  #first = 0;

  add(direction: number, departAt: number, queuedThrough: number): void {
    this.#directions.push(direction);
    this.#departAt.push(departAt);
    this.#queuedThrough.push(queuedThrough);
  }

  /** Calls `onDrained` for each message that has left by `now`, in the order in which they left. */
  drain(now: number, onDrained: (direction: number, queuedThrough: number) => void): void {
    while (this.#first < this.#departAt.length && (this.#departAt[this.#first] as number) <= now) {
      const at = this.#first++;
      onDrained(this.#directions[at] as number, this.#queuedThrough[at] as number);
    }
    if (this.#first < this.#departAt.length || this.#first === 0) return;
    this.#directions.length = 0;
    this.#departAt.length = 0;
    this.#queuedThrough.length = 0;
    this.#first = 0;
  }

  get isEmpty(): boolean {
    return this.#departAt.length === 0;
  }
}
