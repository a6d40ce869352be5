const KEYS_MAX = 2000;

/**
 * Remembers what `load` answered for a short while, and asks once for all who come meanwhile.
 * A failed load is not remembered.
 */
export class FreshCache<Value> {
  readonly #maxAgeMs: number;
  readonly #load: (key: string) => Promise<Value>;
  readonly #entries = new Map<string, { readonly value: Promise<Value>; readonly atMs: number }>();

  constructor(maxAgeMs: number, load: (key: string) => Promise<Value>) {
    this.#maxAgeMs = maxAgeMs;
    this.#load = load;
  }

  get(key = ""): Promise<Value> {
    const nowMs = performance.now();
    const entry = this.#entries.get(key);
    if (entry !== undefined && nowMs - entry.atMs < this.#maxAgeMs) return entry.value;
    if (this.#entries.size >= KEYS_MAX) this.#entries.clear();
    const value = this.#load(key);
    this.#entries.set(key, { value, atMs: nowMs });
    value.catch(() => {
      if (this.#entries.get(key)?.value === value) this.#entries.delete(key);
    });
    return value;
  }
}
