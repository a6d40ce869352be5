/** What the simulator sweeps. The defaults are those that docs/simulation.md justifies. */
export interface Tuning {
  /** Neighbours that a peer looks for. */
  readonly degree: number;
  /** Neighbours beyond which it accepts none; those that can send more may have more. */
  readonly degreeMax: number;
  /** How often a peer looks for what is late or due, while blocks are on the way. */
  readonly tickMs: number;
  /** The share of its capacity that a peer promises as pushes; the rest serves pulls. */
  readonly pushShare: number;
  /** The same of a seed, whose rest closes holes. */
  readonly seedPushShare: number;
  /** How long a symbol may be later than its class usually is before it is pulled. */
  readonly slackMs: number;
  /** What a peer lets wait in all of its channels, as time at its capacity. */
  readonly windowMs: number;
  /** This long before its deadline a block is asked for twice, and of seeds. */
  readonly urgentMs: number;
  /** This long before its deadline what a block lacks is fetched over HTTP; 0: nothing ever is. */
  readonly fetchMs: number;
  /** A newcomer fetches what its first second lacks this long after it came. */
  readonly startFetchMs: number;
}

export const DEFAULT_TUNING: Tuning = {
  degree: 12,
  degreeMax: 24,
  tickMs: 100,
  pushShare: 0.93,
  seedPushShare: 0.8,
  slackMs: 550,
  windowMs: 60,
  urgentMs: 1000,
  fetchMs: 700,
  startFetchMs: 300,
};
