import { StarlingError } from "../core/index.ts";

/** The cores that ladders may take, of which each publish session with a ladder takes its share. */
export class CoreBudget {
  readonly cores: number;
  readonly #taken = new Map<object, number>();

  /** `cores` need not be whole. */
  constructor(cores: number) {
    this.cores = cores;
  }

  get taken(): number {
    return [...this.#taken.values()].reduce((sum, cores) => sum + cores, 0);
  }

  /**
   * Takes about `cores` for `holder`, until `release`. Throws StarlingError "ladder-cores" when so many
   * are not left.
   */
  take(holder: object, cores: number): void {
    const left = Math.max(0, this.cores - this.taken);
    if (cores > left) {
      throw new StarlingError(
        "ladder-cores",
        `It takes about ${inTenths(cores)} cores, and ${inTenths(left)} of ${inTenths(this.cores)} are left for ladders: ` +
          "choose fewer or smaller renditions, or raise ladder-cores if the machine can take it.",
      );
    }
    this.#taken.set(holder, cores);
  }

  release(holder: object): void {
    this.#taken.delete(holder);
  }
}

function inTenths(cores: number): string {
  return cores.toFixed(1);
}
