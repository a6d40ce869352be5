import { describe, expect, test } from "@jest/globals";
import { type EvidenceRecord, evidenceMessage, type Message, nobleCrypto } from "../core/index.ts";
import { Evidence } from "./evidence.ts";
import type { Neighbour } from "./neighbour.ts";
import { peerIdOf, secretKeyOf } from "./testing/test-origin.ts";
import { at, START, TestState } from "./testing/test-state.ts";

const NOW_S = START / 1000;

function world() {
  const mesh = new TestState("viewer");
  const [alice, bob] = [mesh.join("alice"), mesh.join("bob")];
  return { mesh, evidence: new Evidence(mesh.state), alice, bob };
}

function trust(neighbour: Neighbour, symbols: number): void {
  for (let count = 0; count < symbols; count++) neighbour.score.delivered(START);
}

function told(
  witness: string,
  records: readonly EvidenceRecord[],
  issuedAtS = NOW_S,
): Extract<Message, { type: "evidence" }> {
  const signature = nobleCrypto.sign(evidenceMessage(issuedAtS, records), secretKeyOf(witness));
  return { type: "evidence", records, issuedAtS, signature };
}

const BOB_FAILED = { subject: peerIdOf("bob"), deliveredKib: 0, failed: 1000 };
const BOB_GAVE = { subject: peerIdOf("bob"), deliveredKib: 1_000_000, failed: 0 };

describe("evidence that is received", () => {
  test("counts as much as its witness has given, and no more than four symbols", () => {
    const { evidence, alice, bob } = world();
    trust(alice, 25);
    evidence.received(START, alice, told("alice", [BOB_FAILED]));
    expect(bob.score.value(START)).toBeCloseTo(-2);
    trust(alice, 1000);
    evidence.received(START, alice, told("alice", [BOB_GAVE]));
    expect(bob.score.value(START)).toBeCloseTo(4);
  });

  test("counts once, however often its witness repeats it", () => {
    const { evidence, alice, bob } = world();
    trust(alice, 100);
    for (let times = 0; times < 5; times++) {
      evidence.received(START, alice, told("alice", [BOB_FAILED, BOB_FAILED]));
    }
    expect(bob.score.value(START)).toBeCloseTo(-4);
  });

  test("never moves a score by more than eight symbols, however many witnesses agree", () => {
    const { mesh, evidence, bob } = world();
    for (const name of ["w1", "w2", "w3", "w4", "w5"]) {
      const witness = mesh.join(name);
      trust(witness, 100);
      evidence.received(START, witness, told(name, [BOB_FAILED]));
    }
    expect(bob.score.value(START)).toBe(-8);
  });

  test("of a witness that gave nothing counts nothing", () => {
    const { mesh, evidence, alice, bob } = world();
    evidence.received(START, alice, told("alice", [BOB_FAILED]));
    const omitter = mesh.join("omitter");
    omitter.score.failed(START);
    evidence.received(START, omitter, told("omitter", [BOB_FAILED]));
    expect(bob.score.value(START)).toBe(0);
  });

  test("counts nothing for the witness itself, nor for strangers", () => {
    const { mesh, evidence, alice } = world();
    trust(alice, 10);
    const records = [
      { ...BOB_GAVE, subject: alice.id },
      { ...BOB_GAVE, subject: peerIdOf("stranger") },
    ];
    evidence.received(START, alice, told("alice", records));
    expect(alice.score.value(START)).toBe(10);
    expect(mesh.state.neighbours.size).toBe(2);
  });

  test("is refused when another signed it, or when a record was changed", () => {
    const { evidence, alice, bob } = world();
    trust(alice, 50);
    const changed = { ...told("alice", [BOB_GAVE]), records: [BOB_FAILED] };
    for (const message of [told("mallory", [BOB_FAILED]), changed]) {
      expect(() => evidence.received(START, alice, message)).toThrow(
        expect.objectContaining({ code: "evidence-bad-signature" }),
      );
    }
    expect(bob.score.value(START)).toBe(0);
  });

  test.each([-31, 31])("is refused when it was issued %d s from now", (offsetS) => {
    const { evidence, alice } = world();
    expect(() =>
      evidence.received(START, alice, told("alice", [BOB_FAILED], NOW_S + offsetS)),
    ).toThrow(expect.objectContaining({ code: "evidence-stale" }));
  });
});

describe("evidence that a seed hears", () => {
  test("is one vote of each witness, shared among those that served or failed it", () => {
    const mesh = new TestState("seed");
    const evidence = new Evidence(mesh.state);
    const [alice, bob, carol] = ["alice", "bob", "carol"].map((name) => mesh.join(name));
    const praise = (subject: string, deliveredKib: number) => ({
      subject,
      deliveredKib,
      failed: 0,
    });
    const records = [praise(peerIdOf("bob"), 48_000), praise(peerIdOf("carol"), 16_000)];
    if (alice !== undefined) evidence.received(START, alice, told("alice", records));
    expect(bob?.score.value(START)).toBeCloseTo(0.75);
    expect(carol?.score.value(START)).toBeCloseTo(0.25);
    if (bob !== undefined) {
      const blame = { subject: peerIdOf("carol"), deliveredKib: 0, failed: 1000 };
      evidence.received(START, bob, told("bob", [blame]));
    }
    expect(carol?.score.value(START)).toBeCloseTo(-0.75);
  });
});

describe("evidence that is told", () => {
  test("is signed, goes to all, and says what was seen itself", () => {
    const { mesh, evidence, alice, bob } = world();
    const seed = mesh.join("seed", { role: "seed" });
    trust(alice, 3);
    for (let count = 0; count < 2; count++) bob.score.failed(START);
    bob.score.heard(START, alice.id, -4, 1);
    evidence.run(START);
    const sent = mesh.sent("evidence");
    expect(sent.map(({ to }) => to)).toEqual([alice.id, bob.id, seed.id]);
    const [first] = sent;
    expect(first?.message.records).toEqual([
      { subject: bob.id, deliveredKib: 0, failed: 2 },
      { subject: alice.id, deliveredKib: 48, failed: 0 },
    ]);
    const { issuedAtS, records, signature } = first?.message ?? told("nobody", []);
    const isSigned = nobleCrypto.verify(
      signature,
      evidenceMessage(issuedAtS, records),
      nobleCrypto.publicKeyOf(secretKeyOf("own")),
    );
    expect(isSigned).toBe(true);
  });

  test("is of those that gave most as well, however many failed", () => {
    const { mesh, evidence, alice, bob } = world();
    trust(alice, 3);
    trust(bob, 5);
    for (let count = 0; count < 20; count++) mesh.join(`peer ${count}`).score.failed(START);
    evidence.run(START);
    const { records } = mesh.sent("evidence")[0]?.message ?? told("nobody", []);
    expect(records.filter(({ failed }) => failed > 0).length).toBe(4);
    expect(records.slice(4).map(({ subject }) => subject)).toEqual([bob.id, alice.id]);
  });

  test("goes out every ten seconds, and of eight neighbours at the most", () => {
    const { mesh, evidence } = world();
    for (let count = 0; count < 20; count++) trust(mesh.join(`peer ${count}`), 5);
    evidence.run(START);
    expect(mesh.sent("evidence")[0]?.message.records.length).toBe(8);
    evidence.run(at(9999));
    expect(mesh.sent("evidence")).toEqual([]);
    evidence.run(at(10_000));
    expect(mesh.sent("evidence").length).toBe(22);
  });
});

describe("evidence that is told of those that were cut off", () => {
  test("is against those that were cut off, for as long as they are kept out", () => {
    const { mesh, evidence, alice } = world();
    trust(alice, 30);
    for (const name of ["m1", "m2"]) evidence.convict(peerIdOf(name), at(10_000));
    evidence.run(START);
    expect(mesh.sent("evidence")[0]?.message.records).toEqual([
      { subject: peerIdOf("m1"), deliveredKib: 0, failed: 500 },
      { subject: peerIdOf("m2"), deliveredKib: 0, failed: 500 },
      { subject: alice.id, deliveredKib: 480, failed: 0 },
    ]);
    evidence.run(at(10_000));
    expect(mesh.sent("evidence")[0]?.message.records.map(({ subject }) => subject)).toEqual([
      alice.id,
    ]);
  });

  test("goes out within a second when somebody was cut off", () => {
    const { mesh, evidence, alice } = world();
    trust(alice, 30);
    evidence.run(START);
    mesh.sent("evidence");
    mesh.state.now = START;
    evidence.convict(peerIdOf("m1"), at(10_000));
    evidence.run(at(999));
    expect(mesh.sent("evidence")).toEqual([]);
    evidence.run(at(1000));
    expect(mesh.sent("evidence")[0]?.message.records.length).toBe(2);
    evidence.run(at(2000));
    expect(mesh.sent("evidence")).toEqual([]);
  });

  test("names no more than the four that were cut off last", () => {
    const { mesh, evidence, alice } = world();
    for (const name of ["m1", "m2", "m3", "m4", "m5"]) evidence.convict(peerIdOf(name), at(10_000));
    alice.score.failed(START);
    evidence.run(START);
    const { records } = mesh.sent("evidence")[0]?.message ?? told("nobody", []);
    const expected = ["m2", "m3", "m4", "m5"].map(peerIdOf);
    expect(records.map(({ subject, failed }) => [subject, failed])).toEqual(
      expected.map((id) => [id, 500]),
    );
  });
});
