import { assert, type Random } from "../core/index.ts";

/** How a host is reached: openly, by hole punching with endpoint-independent mapping, or hardly. */
export type NatClass = "public" | "endpoint-independent" | "symmetric";

const PUBLIC_SHARE = 0.15;

/**
 * NAT classes of hosts, so that failures to connect stick to hosts as they do in the field: 15 % public,
 * and as many symmetric ones (20 % for 0.70) as give the wanted share of pairs that can connect.
 */
export class NatMix {
  readonly #symmetricShare: number;

  /** `successShare`: how many of all pairs can connect, 0.3..1. */
  constructor(successShare: number) {
    assert(successShare >= 0.3 && successShare <= 1, "30 to 100 % of all pairs can connect");
    // Pairs fail if both are behind NAT and at least one is symmetric: 2 s (1 - p - s) + s^2.
    const half = 1 - PUBLIC_SHARE;
    this.#symmetricShare = half - Math.sqrt(half ** 2 - (1 - successShare));
  }

  draw(random: Random): NatClass {
    const at = random.next();
    if (at < this.#symmetricShare) return "symmetric";
    return at < this.#symmetricShare + PUBLIC_SHARE ? "public" : "endpoint-independent";
  }
}

/** Whether hosts of these classes can connect without a relay. */
export function canConnect(a: NatClass, b: NatClass): boolean {
  if (a === "public" || b === "public") return true;
  return a !== "symmetric" && b !== "symmetric";
}
