import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import {
  eventually,
  newestSequence,
  OriginProcess,
  Publisher,
  ViewerProcess,
} from "../../test/index.ts";

/** What an attack is known to have done itself, and what it met. */
export interface AttackOutcome {
  /** The attack was refused as it should be. */
  readonly stopped: boolean;
  /** From the first bad act to the end of the attacker's connection; null: it has none to cut. */
  readonly cutMs: number | null;
  readonly detail: string;
  /** The ids of those who may be cut for it. */
  readonly attackers?: readonly string[];
}

export interface Attack {
  readonly name: string;
  readonly seconds: number;
  /** Attacks for some seconds; `watch` starts the honest viewer, if it has to come later. */
  run(stage: AttackStage, seconds: number, watch: () => void): Promise<AttackOutcome>;
  /** The honest viewer comes when `run` says so, not before. */
  readonly isFirst?: boolean;
  /** Refusals that the honest viewer must have counted. */
  readonly refusals?: readonly string[];
}

/** One row of the table. */
export interface AttackRow extends AttackOutcome {
  readonly attack: string;
  readonly segments: number;
  /** Bytes that the honest viewer put out and the origin never published. */
  readonly badBytes: number;
  readonly missed: number;
  /** Neighbours of the honest viewer that it cut for bad data and that did not attack. */
  readonly falselyAccused: number;
  readonly rejected: Readonly<Record<string, number>>;
}

const VIDEO_KBPS = 800;

/** A real origin with a real publisher; each attack is watched by an honest viewer in a process of its own. */
export class AttackStage {
  readonly origin: OriginProcess;
  readonly folder: string;
  readonly #publishers: Publisher[] = [];

  private constructor(folder: string, origin: OriginProcess) {
    this.folder = folder;
    this.origin = origin;
  }

  static async open(): Promise<AttackStage> {
    const folder = await mkdtemp(join(tmpdir(), "starling-"));
    // The storm solves no puzzles: it asks what it costs the origin to check answers.
    const origin = new OriginProcess(join(folder, "data"), [
      ...["--no-demo", "--retention-count", "600", "--manifest-ttl-s", "10"],
      ...["--join-work", "1", "--joins-per-second", "100000", "--trusted-proxies", "1"],
    ]);
    const stage = new AttackStage(folder, origin);
    await origin.start();
    stage.publish(origin.streamKey);
    await eventually(
      () => newestSequence(origin),
      60_000,
      () => origin.output,
    );
    return stage;
  }

  publish(streamKey: string): void {
    const url = `${this.origin.rtmpUrl}/${streamKey}`;
    const size = { widthPx: 426, heightPx: 240, videoKbps: VIDEO_KBPS };
    this.#publishers.push(new Publisher({ url, ...size }));
  }

  /** Attacks while an honest viewer watches, and compares all that it put out with what was published. */
  async row(attack: Attack): Promise<AttackRow> {
    const folder = join(this.folder, attack.name.replaceAll(/\W+/g, "-"));
    let viewer: ViewerProcess | undefined;
    const watch = (): ViewerProcess => {
      viewer ??= new ViewerProcess(this.origin, folder, ["--max-delay-s", "20"]);
      return viewer;
    };
    if (!attack.isFirst) await plays(watch());
    const { attackers = [], ...outcome } = await attack.run(this, attack.seconds, watch);
    await plays(watch());
    await delay(1000);
    const honest = watch();
    const sequences = await honest.sequences();
    const { missing, rejected } = await honest.end();
    const bad = await Promise.all(sequences.map((sequence) => this.#badBytes(honest, sequence)));
    const refused = (attack.refusals ?? []).every((code) => (rejected[code] ?? 0) > 0);
    await rm(folder, { recursive: true });
    return {
      attack: attack.name,
      ...outcome,
      stopped: outcome.stopped && refused,
      segments: sequences.length,
      badBytes: bad.reduce((sum, bytes) => sum + bytes, 0),
      missed: missing,
      falselyAccused: accusedBy(honest).filter((id) => !attackers.some((one) => one.startsWith(id)))
        .length,
      rejected,
    };
  }

  async close(): Promise<void> {
    await Promise.all(this.#publishers.map((publisher) => publisher.end("SIGKILL")));
    await this.origin.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  async #badBytes(viewer: ViewerProcess, sequence: number): Promise<number> {
    const played = await viewer.read(`${sequence}.m4s`);
    const response = await fetch(`${this.origin.httpUrl}/live/main/${sequence}.m4s`);
    const published = new Uint8Array(await response.arrayBuffer());
    return digestOf(played) === digestOf(published) ? 0 : played.length;
  }
}

/** Whom a viewer cut for what no honest peer does, by their short ids. */
function accusedBy({ log }: ViewerProcess): string[] {
  return log
    .split("\n")
    .filter((line) => /"code":"(bad-data|protocol-error)"/.test(line))
    .flatMap((line) => /"neighbour":"([^"]+)"/.exec(line)?.[1] ?? []);
}

async function plays(viewer: ViewerProcess): Promise<void> {
  await eventually(
    async () => (await viewer.sequences()).length > 0,
    60_000,
    () => viewer.log,
  );
}

function digestOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
