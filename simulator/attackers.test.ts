import { describe, expect, test } from "@jest/globals";
import {
  type BlockId,
  type InstantMs,
  instantMs,
  type Message,
  toBase64Url,
} from "../core/index.ts";
import type { Input, Output, ProtocolPeer } from "../mesh/index.ts";
import { attackerMaker } from "./attackers/index.ts";
import type { PeerSetup, Protocol } from "./protocol.ts";
import { runScenario } from "./run.ts";
import { findScenario } from "./scenario.ts";
import type { AttackName } from "./settings.ts";
import { DEFAULT_SETTINGS } from "./settings.ts";
import { World } from "./world.ts";

const FRIEND = toBase64Url(new Uint8Array(32));
const VICTIM = toBase64Url(new Uint8Array(32).fill(1));
const NOW = instantMs(1_000_000);
const BLOCK: BlockId = { rendition: 0, sequence: 7, part: 0 };
const SYMBOL: Message = { type: "symbol", block: BLOCK, esi: 3, bytes: Uint8Array.of(1, 2, 3) };

/** A peer that wants what the test says, and notes what it was told. */
class ScriptedPeer implements ProtocolPeer {
  readonly inputs: Input[] = [];
  readonly outputs: Output[] = [];

  handleInput(_now: InstantMs, input: Input): void {
    this.inputs.push(input);
  }

  pollOutput(): Output | undefined {
    return this.outputs.shift();
  }

  pollTimeout(): InstantMs | undefined {
    return undefined;
  }
}

/** What a world gives to the peer that it makes; the same for all tests. */
function setupOfAttacker(): PeerSetup {
  let setup: PeerSetup | undefined;
  const noting: Protocol = {
    name: "noting",
    create: (_now, given) => {
      setup = given;
      return new ScriptedPeer();
    },
  };
  new World({ ...DEFAULT_SETTINGS, peers: 1 }, 1, noting).join({
    role: "viewer",
    uplinkBps: 1e6,
    isAttacker: true,
    makePeer: (protocol, now, given) => protocol.create(now, given),
  });
  if (setup === undefined) throw new Error("the world made no peer");
  return setup;
}

const SETUP = setupOfAttacker();
const PLOT = { accomplices: new Set([FRIEND]), victim: "victim" };

function attacker(attack: AttackName): {
  readonly inner: ScriptedPeer;
  readonly peer: ProtocolPeer;
  readonly sends: (...messages: Message[]) => Message[];
  readonly hears: (message: Message, from?: string) => Message[];
} {
  const inner = new ScriptedPeer();
  const scripted: Protocol = { name: "scripted", create: () => inner };
  const peer = attackerMaker(attack, PLOT)(scripted, NOW, SETUP);
  const drain = (): Message[] => {
    const messages: Message[] = [];
    for (let output = peer.pollOutput(); output !== undefined; output = peer.pollOutput()) {
      if (output.kind === "transmit") messages.push(output.message);
    }
    return messages;
  };
  return {
    inner,
    peer,
    sends: (...messages) => {
      for (const message of messages) {
        inner.outputs.push({ kind: "transmit", neighbour: "victim", message });
      }
      return drain();
    },
    hears: (message, from = "victim") => {
      peer.handleInput(NOW, { kind: "message", neighbour: from, message });
      return drain();
    },
  };
}

const STATUS: Message = {
  type: "status",
  capacityKbps: 1000,
  roomKbps: 0,
  spare: 3,
  feeds: [{ rendition: 0, lags: Uint8Array.of(40, 50) }],
};
const REQUEST: Message = { type: "request", block: BLOCK, withinMs: 100, esis: [1, 2] };
const SUBSCRIBE: Message = { type: "subscribe", rendition: 0, classes: 0b101 };

describe("a free-rider", () => {
  test("claims to be strong, promises nothing and declines", () => {
    const { inner, sends, hears } = attacker("free-riders");
    expect(sends(SYMBOL, { type: "have", block: BLOCK, esis: [1] }, STATUS)).toEqual([
      { ...STATUS, capacityKbps: 25_000, roomKbps: 25_000, spare: 0 },
    ]);
    expect(hears(REQUEST)).toEqual([{ type: "decline", block: BLOCK, isBusy: true, esis: [1, 2] }]);
    expect(hears(SUBSCRIBE)).toEqual([{ type: "serve", rendition: 0, classes: 0, spare: 0 }]);
    expect(inner.inputs).toEqual([]);
  });
});

describe("an omitter", () => {
  test("claims all, grants all, takes all requests and sends no symbol", () => {
    const { sends, hears } = attacker("omission");
    const [status] = sends(SYMBOL, STATUS);
    expect(status).toMatchObject({ capacityKbps: 25_000, feeds: [{ lags: Uint8Array.of(1, 1) }] });
    expect(hears(REQUEST)).toEqual([]);
    expect(hears(SUBSCRIBE)).toMatchObject([{ type: "serve", classes: 0b101 }]);
  });
});

describe("a colluder", () => {
  test("serves its accomplices and nobody else", () => {
    const { inner, sends, hears } = attacker("colluders");
    expect(sends(SYMBOL)).toEqual([]);
    hears(REQUEST, FRIEND);
    expect(inner.inputs).toHaveLength(1);
  });

  test("praises its accomplices with a signature that is right", () => {
    const { sends } = attacker("colluders");
    const empty = { type: "evidence", records: [], issuedAtS: 5, signature: new Uint8Array(64) };
    const [evidence] = sends(empty as Message);
    expect(evidence).toMatchObject({ records: [{ subject: FRIEND, failed: 0 }] });
  });
});

describe("a polluter", () => {
  test("sends wrong bytes, and leaves the right ones alone", () => {
    const { sends } = attacker("polluters");
    expect(sends(SYMBOL)).toEqual([{ ...SYMBOL, bytes: Uint8Array.of(254, 2, 3) }]);
    expect(SYMBOL).toMatchObject({ bytes: Uint8Array.of(1, 2, 3) });
  });
});

describe("a flooder", () => {
  test("asks every neighbour for the newest block at every timeout", () => {
    const { peer, hears } = attacker("floods");
    peer.handleInput(NOW, {
      kind: "connected",
      neighbour: "victim",
      localFingerprint: new Uint8Array(32),
      remoteFingerprint: new Uint8Array(32),
      isInitiator: true,
    });
    hears(SYMBOL);
    peer.handleInput(instantMs(NOW + 60), { kind: "timeout" });
    expect(peer.pollOutput()).toMatchObject({ message: { type: "request", block: BLOCK } });
    expect(Number(peer.pollTimeout())).toBeGreaterThan(NOW + 60);
  });
});

describe("a slanderer", () => {
  test("gives what it should, and says of all but its accomplices that they give nothing", () => {
    const { peer, sends } = attacker("slanderers");
    for (const neighbour of ["victim", VICTIM, FRIEND]) {
      const [localFingerprint, remoteFingerprint] = [new Uint8Array(32), new Uint8Array(32)];
      const ends = { localFingerprint, remoteFingerprint, isInitiator: true };
      peer.handleInput(NOW, { kind: "connected", neighbour, ...ends });
    }
    expect(sends(SYMBOL)).toEqual([SYMBOL]);
    const empty = { type: "evidence", records: [], issuedAtS: 5, signature: new Uint8Array(64) };
    const [evidence] = sends(empty as Message);
    expect(evidence).toMatchObject({
      records: [{ subject: VICTIM, deliveredKib: 0, failed: 65_535 }],
    });
  });
});

describe("a member of an eclipse", () => {
  test("dials its victim, and dials it again when it was let go", () => {
    const { peer } = attacker("eclipse");
    const introduced = { kind: "introduced", peers: [{ peer: FRIEND, role: "viewer" }] } as const;
    peer.handleInput(NOW, introduced);
    expect(peer.pollOutput()).toMatchObject({ kind: "dial", peer: "victim" });
    peer.handleInput(NOW, {
      kind: "connected",
      neighbour: "victim",
      localFingerprint: new Uint8Array(32),
      remoteFingerprint: new Uint8Array(32),
      isInitiator: true,
    });
    peer.handleInput(NOW, { kind: "closed", neighbour: "victim" });
    const outputs: unknown[] = [];
    for (let output = peer.pollOutput(); output !== undefined; output = peer.pollOutput()) {
      outputs.push(output.kind);
    }
    expect(outputs.at(-1)).toBe("wantPeers");
    peer.handleInput(NOW, introduced);
    expect(peer.pollOutput()).toMatchObject({ kind: "dial", peer: "victim" });
  });
});

describe("a run under attack", () => {
  const small = ["peers=16", "durationS=14", "warmUpS=6", "joinOverS=2", "streamKbps=1500"];

  test("by polluters has no wrong byte accepted", () => {
    const scenario = findScenario("polluters", small);
    const { attack } = runScenario(scenario, { seed: 1 });
    expect(attack).toMatchObject({ badAccepted: 0, badForwarded: 0 });
    expect(attack?.attackers).toBeGreaterThan(0);
  });

  test("by whitewashers has ever more of them, none of whom gives anything", () => {
    const scenario = findScenario("whitewash", [...small, "durationS=24"]);
    const { attack } = runScenario(scenario, { seed: 3 });
    expect(attack?.attackers).toBeGreaterThan(3);
    expect(attack?.caughtAfterS).not.toBe(0);
  });

  test("by an eclipse tells how its victim fared", () => {
    const scenario = findScenario("eclipse", [...small, "sybils=20", "sybilHosts=3"]);
    const { attack } = runScenario(scenario, { seed: 4 });
    expect(attack?.attackers).toBe(20);
    expect(attack?.victimMiss).toBeLessThanOrEqual(1);
  });

  test("by Sybils has all of them in the world, on few hosts", () => {
    const scenario = findScenario("sybil", [...small, "sybils=60", "sybilHosts=3"]);
    const { attack, series } = runScenario(scenario, { seed: 2 });
    expect(attack?.attackers).toBe(60);
    expect(series.peers.at(-1)).toBe(16);
  });
});
