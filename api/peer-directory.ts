import type { Redis } from "ioredis";
import type { Introduction, PeerRole, ViewerStats } from "../core/index.ts";

/** A peer that is connected to some API process. */
export interface PeerName {
  readonly stream: string;
  /** Public key, base64url. */
  readonly peer: string;
}

/** One connection of a peer: a peer that comes back takes the place of its older connection. */
export interface PeerSeat extends PeerName {
  readonly role: PeerRole;
  readonly connection: string;
}

/** How many neighbours a newcomer is introduced to. */
export interface IntroductionLimits {
  readonly seedsMax: number;
  readonly viewersMax: number;
}

/** How long a peer counts as there without a heartbeat of its API process. */
export const PEER_TTL_MS = 45_000;
const REPORT_TTL_MS = 3_600_000;
const ROLES = ["seed", "viewer"] as const;
/** Seats that are renewed without a pause in between. */
const RENEWAL_BATCH = 500;

/** KEYS home, roster; ARGV connection, peer. Removes the peer unless a newer connection took its place. */
const LEAVE = `
if redis.call("GET", KEYS[1]) ~= ARGV[1] then return 0 end
redis.call("DEL", KEYS[1])
redis.call("ZREM", KEYS[2], ARGV[2])
return 1
`;

/**
 * Which peers of a stream are there, and which API process each is connected to. Lives in Redis, so
 * that any number of API processes introduce and reach all peers; what a dead process left behind
 * expires.
 */
export class PeerDirectory {
  readonly #redis: Redis;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  /** Seats a peer and introduces it. `replaced` is the peer's older connection, if it had one. */
  async join(
    seat: PeerSeat,
    limits: IntroductionLimits,
  ): Promise<{ neighbours: Introduction[]; replaced: string | undefined }> {
    const { stream, peer, role, connection } = seat;
    const nowMs = Date.now();
    const wanted = { seed: role === "seed" ? 0 : limits.seedsMax, viewer: limits.viewersMax };
    const batch = this.#redis.multi();
    for (const name of ROLES) {
      batch.zremrangebyscore(rosterKey(stream, name), "-inf", nowMs - PEER_TTL_MS);
      // One more than wanted: the newcomer itself may still be on the roster.
      batch.zrandmember(rosterKey(stream, name), wanted[name] + 1);
    }
    batch.set(homeKey(seat), connection, "PX", PEER_TTL_MS, "GET");
    batch.zadd(rosterKey(stream, role), nowMs, peer);
    batch.pexpire(rosterKey(stream, role), 2 * PEER_TTL_MS);
    const answers = ((await batch.exec()) ?? []).map(([error, answer]) => {
      if (error) throw error;
      return answer;
    });
    const replaced = answers[4] as string | null;
    const neighbours = ROLES.flatMap((name, index) =>
      (answers[2 * index + 1] as string[])
        .filter((other) => other !== peer)
        .slice(0, wanted[name])
        .map((other) => ({ peer: other, role: name })),
    );
    return { neighbours, replaced: replaced ?? undefined };
  }

  /** Frees the seat; false when a newer connection of the same peer has taken it. */
  async leave(seat: PeerSeat): Promise<boolean> {
    const keys = [homeKey(seat), rosterKey(seat.stream, seat.role)];
    return (await this.#redis.eval(LEAVE, 2, ...keys, seat.connection, seat.peer)) === 1;
  }

  /** Keeps the seats of one process for another while. */
  async renew(seats: readonly PeerSeat[]): Promise<void> {
    for (let start = 0; start < seats.length; start += RENEWAL_BATCH) {
      await this.#renewBatch(seats.slice(start, start + RENEWAL_BATCH));
    }
  }

  async #renewBatch(seats: readonly PeerSeat[]): Promise<void> {
    const nowMs = Date.now();
    const batch = this.#redis.pipeline();
    for (const seat of seats) {
      const roster = rosterKey(seat.stream, seat.role);
      // NX: after an outage the seat is taken again, but never from a newer connection.
      batch.set(homeKey(seat), seat.connection, "PX", PEER_TTL_MS, "NX");
      batch.pexpire(homeKey(seat), PEER_TTL_MS);
      batch.zadd(roster, nowMs, seat.peer).pexpire(roster, 2 * PEER_TTL_MS);
    }
    await batch.exec();
  }

  /** The connection of a peer; undefined when it is not there. */
  async connectionOf(name: PeerName): Promise<string | undefined> {
    return (await this.#redis.get(homeKey(name))) ?? undefined;
  }

  /** How many peers of a stream are there. */
  async count(stream: string): Promise<{ viewers: number; seeds: number }> {
    const since = Date.now() - PEER_TTL_MS;
    const [seeds, viewers] = await Promise.all(
      ROLES.map((role) => this.#redis.zcount(rosterKey(stream, role), since, "+inf")),
    );
    return { viewers: viewers ?? 0, seeds: seeds ?? 0 };
  }

  /** Keeps the last report of a viewer, whose counts go on when it connects anew. */
  async keepReport(name: PeerName, report: ViewerStats): Promise<void> {
    await this.#redis.set(reportKey(name), JSON.stringify(report), "PX", REPORT_TTL_MS);
  }

  async lastReport(name: PeerName): Promise<ViewerStats | undefined> {
    const report = await this.#redis.get(reportKey(name));
    return report === null ? undefined : (JSON.parse(report) as ViewerStats);
  }

  /** Notes that `peer` used the token; false when another peer did (replay). */
  async claimToken(tokenId: string, peer: string, ttlMs: number): Promise<boolean> {
    const key = `starling:tracker:token:${tokenId}`;
    await this.#redis.set(key, peer, "PX", Math.max(1, Math.ceil(ttlMs)), "NX");
    const owner = await this.#redis.get(key);
    return owner === null || owner === peer;
  }
}

/** Sorted set: peers of one role by the time of their last sign of life. */
function rosterKey(stream: string, role: PeerRole): string {
  return `starling:tracker:${stream}:${role}s`;
}

/** String with a time to live: the peer's connection, "<API process> <number>". */
function homeKey({ stream, peer }: PeerName): string {
  return `starling:tracker:${stream}:peer:${peer}`;
}

/** String with a time to live: the viewer's last report as JSON. */
function reportKey({ stream, peer }: PeerName): string {
  return `starling:tracker:${stream}:report:${peer}`;
}
