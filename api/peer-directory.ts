import type { ChainableCommander, Redis } from "ioredis";
import type { PeerRole, ViewerStats } from "../core/index.ts";
import type { Candidates } from "../mesh/index.ts";
import { ViewerLines } from "../pipeline/index.ts";

/** A peer that is connected to some API process. */
export interface PeerName {
  readonly stream: string;
  /** Public key, base64url. */
  readonly peer: string;
}

/** What a peer is to the others. */
export interface Standing {
  readonly role: PeerRole;
  /** A viewer to which seeds that are for relays only are shown. */
  readonly isRelay: boolean;
}

/** One connection of a peer: a peer that comes back takes the place of its older connection. */
export interface PeerSeat extends PeerName, Standing {
  readonly connection: string;
  /** Of a viewer; seeds are in none. */
  readonly cluster?: number | undefined;
}

/** How long a peer counts as there without a heartbeat of its API process. */
export const PEER_TTL_MS = 45_000;
/** How long viewers are numbered on after the last one came. */
const JOINS_TTL_MS = 86_400_000;
const REPORT_TTL_MS = 3_600_000;
const ROLES = ["seed", "viewer"] as const;
/** Seeds of a stream that are looked at to introduce one peer. */
const SEEDS_MAX = 64;
/** Revocations of a stream that newcomers are told of. */
const REVOCATIONS_MAX = 64;
/** Seats that are renewed without a pause in between. */
const RENEWAL_BATCH = 500;

/** KEYS home, rosters; ARGV connection, peer. Removes the peer unless a newer connection took its place. */
const LEAVE = `
if redis.call("GET", KEYS[1]) ~= ARGV[1] then return 0 end
redis.call("DEL", KEYS[1])
for roster = 2, #KEYS do redis.call("ZREM", KEYS[roster], ARGV[2]) end
return 1
`;

/** KEYS rooms; ARGV seed. One less, if it is known. */
const TAKE_ROOM = `
if redis.call("HEXISTS", KEYS[1], ARGV[1]) == 1 then redis.call("HINCRBY", KEYS[1], ARGV[1], -1) end
`;

/**
 * Which peers of a stream are there, and which API process each is connected to. Lives in Redis, so
 * that any number of API processes introduce and reach all peers; what a dead process left behind
 * expires.
 */
export class PeerDirectory {
  readonly #redis: Redis;
  readonly #lines: ViewerLines;

  constructor(redis: Redis) {
    this.#redis = redis;
    this.#lines = new ViewerLines(redis);
  }

  /** How many viewers have joined a stream before this one. */
  async countJoin(stream: string): Promise<number> {
    const count = await this.#redis.incr(joinsKey(stream));
    await this.#redis.pexpire(joinsKey(stream), JOINS_TTL_MS);
    return count - 1;
  }

  /** Seats a peer. Gives the peer's older connection, if it had one. */
  async join(seat: PeerSeat): Promise<string | undefined> {
    const batch = this.#redis.multi();
    batch.set(homeKey(seat), seat.connection, "PX", PEER_TTL_MS, "GET");
    keepOnRosters(batch, seat);
    const [[error, replaced] = []] = (await batch.exec()) ?? [];
    if (error) throw error;
    return (replaced as string | null) ?? undefined;
  }

  /** Who could be introduced to `seat`: all seeds, and `count` viewers of its cluster, of all and of the relays. */
  async candidates({ stream, cluster }: PeerSeat, count: number): Promise<Candidates> {
    const staleMs = Date.now() - PEER_TTL_MS;
    const viewers = [
      clusterKey(stream, cluster ?? 0),
      rosterKey(stream, "viewer"),
      relaysKey(stream),
    ];
    const seeds = rosterKey(stream, "seed");
    const batch = this.#redis.multi();
    for (const roster of [...viewers, seeds]) {
      batch.zremrangebyscore(roster, "-inf", staleMs);
      batch.zrandmember(roster, roster === seeds ? SEEDS_MAX : count);
    }
    batch.hgetall(roomsKey(stream));
    const answers = ((await batch.exec()) ?? []).map(([error, answer]) => {
      if (error) throw error;
      return answer;
    });
    const rooms = answers[8] as Readonly<Record<string, string>>;
    return {
      cluster: cluster === undefined ? [] : (answers[1] as string[]),
      mesh: answers[3] as string[],
      relays: answers[5] as string[],
      // A seed that has not said yet how much room it has is new: there is some.
      seeds: (answers[7] as string[]).map((peer) => ({ peer, room: Number(rooms[peer] ?? 1) })),
    };
  }

  /** Notes how many viewers more a seed takes. */
  async setRoom({ stream, peer }: PeerName, room: number): Promise<void> {
    const key = roomsKey(stream);
    await this.#redis
      .multi()
      .hset(key, peer, room)
      .pexpire(key, 2 * PEER_TTL_MS)
      .exec();
  }

  /** Viewers were introduced to these seeds: their room shrinks until they say how much it is. */
  async takeRoom(stream: string, seeds: readonly string[]): Promise<void> {
    if (seeds.length === 0) return;
    const batch = this.#redis.pipeline();
    for (const seed of seeds) batch.eval(TAKE_ROOM, 1, roomsKey(stream), seed);
    await batch.exec();
  }

  /** Frees the seat; false when a newer connection of the same peer has taken it. */
  async leave(seat: PeerSeat): Promise<boolean> {
    const keys = [homeKey(seat), ...rostersOf(seat)];
    const isGone =
      (await this.#redis.eval(LEAVE, keys.length, ...keys, seat.connection, seat.peer)) === 1;
    if (isGone && seat.role === "seed") await this.#redis.hdel(roomsKey(seat.stream), seat.peer);
    return isGone;
  }

  /** Keeps the seats of one process for another while. */
  async renew(seats: readonly PeerSeat[]): Promise<void> {
    for (let start = 0; start < seats.length; start += RENEWAL_BATCH) {
      await this.#renewBatch(seats.slice(start, start + RENEWAL_BATCH));
    }
  }

  async #renewBatch(seats: readonly PeerSeat[]): Promise<void> {
    const batch = this.#redis.pipeline();
    for (const seat of seats) {
      // NX: after an outage the seat is taken again, but never from a newer connection.
      batch.set(homeKey(seat), seat.connection, "PX", PEER_TTL_MS, "NX");
      batch.pexpire(homeKey(seat), PEER_TTL_MS);
      keepOnRosters(batch, seat);
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
    const { downlinkKbps = 0 } = report;
    if (downlinkKbps > 0) await this.#lines.note(name.stream, name.peer, downlinkKbps);
    await this.#redis.set(reportKey(name), JSON.stringify(report), "PX", REPORT_TTL_MS);
  }

  async lastReport(name: PeerName): Promise<ViewerStats | undefined> {
    const report = await this.#redis.get(reportKey(name));
    return report === null ? undefined : (JSON.parse(report) as ViewerStats);
  }

  /** Notes that `peer` used the token; false when another peer did (replay). */
  async claimToken(tokenId: string, peer: string, ttlMs: number): Promise<boolean> {
    const key = tokenKey(tokenId);
    await this.#redis.set(key, peer, "PX", Math.max(1, Math.ceil(ttlMs)), "NX");
    const owner = await this.#redis.get(key);
    return owner === null || owner === peer;
  }

  /** Makes a token, those it was renewed by and those before it worthless. Gives the peer that used it. */
  async revoke(tokenId: string, ttlMs: number): Promise<string | undefined> {
    await this.#redis.set(revokedKey(tokenId), 1, "PX", ttlMs);
    return (await this.#redis.get(tokenKey(tokenId))) ?? undefined;
  }

  /** Keeps what is told to newcomers: their neighbours' revocations, the last 64. */
  async keepRevocation(stream: string, revocation: string, ttlMs: number): Promise<void> {
    const key = revocationsKey(stream);
    await this.#redis
      .multi()
      .zadd(key, Date.now() + ttlMs, revocation)
      .zremrangebyrank(key, 0, -REVOCATIONS_MAX - 1)
      .pexpire(key, ttlMs)
      .exec();
  }

  /** The revocations of a stream that have not ended. */
  async revocations(stream: string): Promise<string[]> {
    return this.#redis.zrangebyscore(revocationsKey(stream), Date.now(), "+inf");
  }

  async isRevoked(tokenId: string): Promise<boolean> {
    return (await this.#redis.exists(revokedKey(tokenId))) === 1;
  }
}

function keepOnRosters(batch: ChainableCommander, seat: PeerSeat): void {
  const nowMs = Date.now();
  for (const roster of rostersOf(seat)) {
    batch.zadd(roster, nowMs, seat.peer).pexpire(roster, 2 * PEER_TTL_MS);
  }
}

function rostersOf({ stream, role, isRelay, cluster }: PeerSeat): string[] {
  return [
    rosterKey(stream, role),
    ...(cluster === undefined ? [] : [clusterKey(stream, cluster)]),
    ...(isRelay ? [relaysKey(stream)] : []),
  ];
}

/** Sorted set: peers of one role by the time of their last sign of life. */
function rosterKey(stream: string, role: PeerRole): string {
  return `starling:tracker:${stream}:${role}s`;
}

/** Sorted set: the viewers of one cluster by the time of their last sign of life. */
function clusterKey(stream: string, cluster: number): string {
  return `starling:tracker:${stream}:cluster:${cluster}`;
}

/** Sorted set: the relays among the viewers by the time of their last sign of life. */
function relaysKey(stream: string): string {
  return `starling:tracker:${stream}:relays`;
}

/** Number with a time to live: the viewers that ever joined. */
function joinsKey(stream: string): string {
  return `starling:tracker:${stream}:joins`;
}

/** Hash with a time to live: seed -> how many viewers more it takes. */
function roomsKey(stream: string): string {
  return `starling:tracker:${stream}:rooms`;
}

/** String with a time to live: the peer's connection, "<API process> <number>". */
function homeKey({ stream, peer }: PeerName): string {
  return `starling:tracker:${stream}:peer:${peer}`;
}

/** String with a time to live: the peer that used a token, or one that was renewed by it. */
function tokenKey(tokenId: string): string {
  return `starling:tracker:token:${tokenFamily(tokenId)}`;
}

/** String with a time to live, while a token is revoked. */
function revokedKey(tokenId: string): string {
  return `starling:tracker:revoked:${tokenFamily(tokenId)}`;
}

/** Sorted set with a time to live: signed revocations by when they end. */
function revocationsKey(stream: string): string {
  return `starling:tracker:${stream}:revocations`;
}

/** What a token and its renewals have in common. */
export function tokenFamily(tokenId: string): string {
  return tokenId.replace(/~.*/s, "");
}

/** String with a time to live: the viewer's last report as JSON. */
function reportKey({ stream, peer }: PeerName): string {
  return `starling:tracker:${stream}:report:${peer}`;
}
