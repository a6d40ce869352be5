/** Milliseconds, unless said otherwise; all 0 when `count` is 0. */
export interface Quantiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
  readonly mean: number;
  readonly count: number;
}

/** Bytes after the warm-up. Media bytes are those of symbols, pushed, pulled or fetched, without headers. */
export interface ByteCounts {
  /** Media bytes of the blocks that honest viewers completed. */
  readonly played: number;
  /** Media bytes that seed peers sent into the mesh, to honest viewers and attackers alike. */
  readonly origin: number;
  /** Media bytes that the origin served over HTTP, to honest viewers and attackers alike. */
  readonly originHttp: number;
  /** Media bytes that honest viewers received from viewers. */
  readonly fromPeers: number;
  /** Received symbols that the viewer had received before. */
  readonly duplicate: number;
  /**
   * What erasure coding costs: symbols that were new to the viewer but came after K others had made
   * the block, and the padding of repair symbols that stand in for a shorter source symbol.
   */
  readonly fec: number;
  /** All messages but symbols and manifests, and the headers of symbols, as honest viewers sent them. */
  readonly control: number;
  /** Manifest messages that honest viewers received. */
  readonly manifest: number;
  /** Packets that viewers and seeds sent again because they were lost. */
  readonly retransmitted: number;
  /** Signalling through neighbours. Part of `control`. */
  readonly relay: number;
  /** Received symbols that were wrong, or of blocks that were never completed. */
  readonly wasted: number;
}

/** The share of (viewer, block) pairs that were not complete in time. */
export interface MissRatio {
  /** Not complete 2, 4 or 6 s after release, viewers older than 10 s. */
  readonly d2: number;
  readonly d4: number;
  readonly d6: number;
  /** The same for the scenario's own deadline. */
  readonly scenarioDeadline: number;
  /** At the scenario's deadline, the blocks of a viewer's first 10 s. */
  readonly newcomers: number;
}

/** How an attack went. Seconds and shares. */
export interface AttackResult {
  readonly attackers: number;
  /** Share of attackers that were caught. */
  readonly caught: number;
  /** Share of attackers that were caught within 30 s of their first offence. */
  readonly caughtWithin30S: number;
  /** How long it took to catch half of the attackers, from their first honest neighbour; null: they were not. */
  readonly caughtAfterS: number | null;
  /** The longest time from an attacker's first symbol to an honest viewer that cut it; null: none did. */
  readonly cutMaxMs: number | null;
  /** Share of honest viewers that were treated like attackers. */
  readonly falselyCaught: number;
  /** Wrong symbols that an honest viewer used. */
  readonly badAccepted: number;
  /** Wrong symbols that an honest viewer passed on. */
  readonly badForwarded: number;
  /** The longest time that an honest viewer had attackers only as its neighbours. */
  readonly eclipsedMaxS: number;
  /** Share of blocks that the first honest viewer missed at the deadline; an eclipse is about that one. */
  readonly victimMiss: number;
  /** Bytes of messages that exist only for defence. */
  readonly defenceBytes: number;
}

/** What happened in each second. */
export interface Series {
  readonly tS: number[];
  readonly peers: number[];
  readonly missRatio: number[];
  readonly delayP99Ms: number[];
  readonly offload: number[];
  readonly uplinkUse: number[];
}

/** The mesh at the end of the run. */
export interface Topology {
  readonly nodes: {
    readonly id: number;
    readonly role: string;
    readonly uplinkBps: number;
    readonly cluster: number;
    /** Mean number of hops that its symbols came from the origin. */
    readonly hop: number;
  }[];
  /** Pairs of node ids, a sample of at most 1,500. */
  readonly edges: [number, number][];
}

/** What one run of a scenario gave: plain JSON. Delays count from the release of a block at the origin. */
export interface RunResult {
  readonly scenario: string;
  /** "starling", or the name of a baseline. */
  readonly protocol: string;
  readonly seed: number;
  readonly peers: number;
  readonly durationS: number;
  readonly warmUpS: number;
  /** All parameters that the run had. */
  readonly settings: Record<string, number | string | boolean>;
  /** Over every delivered event: two runs with one seed agree. */
  readonly traceHash: string;
  readonly symbolDelayMs: Quantiles;
  readonly blockDelayMs: Quantiles;
  readonly symbolDelayCdf: [number, number][];
  readonly blockDelayCdf: [number, number][];
  /** [miss ratio, share of viewers that miss no more]. */
  readonly peerMissCdf: [number, number][];
  readonly missRatio: MissRatio;
  /** Share of viewers (survivors, where there is a mass crash) that missed nothing at the deadline. */
  readonly losslessPeers: number;
  /** Share of sessions without a stall after start-up, for a player that runs the deadline behind live. */
  readonly stallFreeSessions: number;
  /** From joining until 1 s of media in a row is complete. */
  readonly startUpMs: Quantiles;
  /** 1 - (origin + originHttp) / played. Attackers that are fed make it smaller, even negative. */
  readonly offload: number;
  readonly bytes: ByteCounts;
  /** Bytes that viewers sent / what their uplinks could have sent. */
  readonly uplinkUse: number;
  readonly attack?: AttackResult;
  readonly series: Series;
  readonly topology: Topology;
  /** How often each invariant was checked. */
  readonly checks: Record<string, number>;
  readonly cost: { readonly events: number; readonly deliveredSymbols: number };
}
