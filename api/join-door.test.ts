import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { type JoinPuzzle, type JoinWork, nobleCrypto, toBase64Url } from "../core/index.ts";
import { ScratchRedis } from "../pipeline/index.ts";
import { JoinDoor, type Newcomer } from "./join-door.ts";
import { solved } from "./test-peer.ts";

let scratch: ScratchRedis;
let door: JoinDoor;
beforeAll(async () => {
  scratch = await ScratchRedis.start();
});
beforeEach(async () => {
  await scratch.redis.flushall();
  door = doorOf(4, 100);
});
afterAll(() => scratch.stop());

const peer = toBase64Url(nobleCrypto.publicKeyOf(new Uint8Array(32).fill(7)));
const newcomer: Newcomer = { stream: "open", peer, network: "192.0.2.0/24" };

/** A door that has not looked at the joins of others yet: it looks twice a second. */
function doorOf(joinWork: number, joinsPerSecond: number): JoinDoor {
  return new JoinDoor(scratch.redis, { joinWork, joinsPerSecond });
}

/** Lets somebody of another network in. */
async function joinFrom(network: string): Promise<void> {
  const easy = doorOf(1, 1_000_000);
  const other = { ...newcomer, network };
  expect(await easy.admits(solved(await easy.puzzle(other)), other)).toBe(true);
}

describe("the public door", () => {
  test("lets a newcomer in that did its work, once", async () => {
    const answer = solved(await door.puzzle(newcomer));
    expect(await door.admits(answer, newcomer)).toBe(true);
    expect(await door.admits(answer, newcomer)).toBe(false);
  });

  test("takes an answer from nobody but the one it gave the puzzle to", async () => {
    const answer = solved(await door.puzzle(newcomer));
    const others: Partial<Newcomer>[] = [
      { stream: "other" },
      { peer: toBase64Url(new Uint8Array(32)) },
      { network: "198.51.100.0/24" },
    ];
    for (const other of others) {
      expect(await door.admits(answer, { ...newcomer, ...other })).toBe(false);
    }
    expect(await door.admits(answer, newcomer)).toBe(true);
  });

  test("takes no wrong answer, and no puzzle that somebody made up or made easier", async () => {
    const puzzle = await door.puzzle(newcomer);
    const [payload = "", mac = ""] = puzzle.challenge.split(".");
    const text = Buffer.from(payload, "base64url").toString();
    const easier = Buffer.from(text.replace(/"work":\d+/, '"work":1')).toString("base64url");
    const { counter } = solved(puzzle);
    const wrong: JoinWork[] = [
      { challenge: puzzle.challenge, counter: failing(puzzle) },
      ...["", ".", "a.b", payload, `${easier}.${mac}`, `${puzzle.challenge}.${mac}`].map(
        (challenge) => ({ challenge, counter }),
      ),
    ];
    for (const answer of wrong) expect(await door.admits(answer, newcomer)).toBe(false);
  });

  test("asks for more work while many join, and for no more once they are in", async () => {
    const work = async () => (await doorOf(100, 0.5).puzzle(newcomer)).work;
    expect(await work()).toBe(100);
    for (let at = 0; at < 40; at += 1) await joinFrom(`10.0.${at}.0/24`);
    expect(await work()).toBeGreaterThan(200);
    // Half-lives pass in Redis's own time: set the clock of the level back instead of waiting.
    const at = Number(await scratch.redis.hget("starling:join:pressure", "at"));
    await scratch.redis.hset("starling:join:pressure", "at", at - 60_000);
    expect(await work()).toBe(100);
  });

  test("asks a crowded network for more work, up to a crowd that no network has", async () => {
    const { network } = newcomer;
    // As many joins as that, and one more, by which it becomes known how many there are.
    const crowd = async (count: number) => {
      const at = Date.now();
      await scratch.redis.hset(`starling:join:pressure:${network}`, { level: count - 1, at });
      await joinFrom(network);
    };
    const puzzle = (from = network) => doorOf(4, 100).puzzle({ ...newcomer, network: from });
    await crowd(200);
    expect((await puzzle()).work).toBe(4);
    await crowd(2560);
    expect((await puzzle()).work).toBeGreaterThanOrEqual(39);
    expect((await puzzle("198.51.100.0/24")).work).toBe(4);
    await crowd(16_000);
    await scratch.redis.hincrbyfloat(`starling:join:pressure:${network}`, "level", 4000);
    await expect(puzzle()).rejects.toMatchObject({ code: "too-many-requests" });
  });

  test("turns away more answers than it checks within its time", async () => {
    const puzzles = await Promise.all(Array.from({ length: 120 }, () => door.puzzle(newcomer)));
    const results = await Promise.allSettled(
      puzzles.map((puzzle) => door.admits({ ...puzzle, counter: failing(puzzle) }, newcomer)),
    );
    const refused = results.filter(({ status }) => status === "rejected");
    expect(refused.length).toBeGreaterThan(20);
    for (const result of refused) {
      expect(result).toMatchObject({ reason: { code: "overloaded" } });
    }
    expect(await door.admits(solved(await door.puzzle(newcomer)), newcomer)).toBe(true);
  });
});

/** A counter that is no answer. */
function failing(puzzle: JoinPuzzle): number {
  return solved(puzzle, (isAnswer) => !isAnswer).counter;
}
