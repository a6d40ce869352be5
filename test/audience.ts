import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import type { PeerReport } from "../peer/node/index.ts";
import type { ViewersNews, ViewersOrder, Watched } from "./mesh-viewers.ts";
import { packageFile, plainEnvironment } from "./origin-process.ts";

const PROGRAM = packageFile("dist/test/mesh-viewers.js");
/** Starting takes much of the machine, and those who are there want to play. */
const START_EVERY_MS = 400;
const LOG_LENGTH_MAX = 20_000;

/** Where a viewer runs, and what it may send. */
export interface ViewerPlace {
  readonly address: string;
  /** What to put before a command so that it runs there. */
  readonly enter: readonly string[];
  readonly uploadBytesPerS: number;
}

/** One viewer as its process told of it. */
export interface AudienceMember {
  readonly segments: Map<number, Watched>;
  /** Its last report. */
  report: PeerReport | undefined;
  isAlive: boolean;
}

/** Headless viewers in a few processes, each of them a peer of the mesh of its own. */
export class Audience {
  readonly members: readonly AudienceMember[];
  readonly #processes: { readonly child: ChildProcess; readonly viewers: readonly number[] }[] = [];
  #log = "";

  private constructor(count: number) {
    this.members = Array.from({ length: count }, () => ({
      segments: new Map<number, Watched>(),
      report: undefined,
      isAlive: true,
    }));
  }

  /**
   * Starts a viewer at each place, dealt out to `processes` processes, one process after the other.
   * Those of one process are at places that one enters in the same way.
   */
  static async gather(
    places: readonly ViewerPlace[],
    processes: number,
    order: Omit<ViewersOrder, "viewers">,
  ): Promise<Audience> {
    const audience = new Audience(places.length);
    const orders = places.map(({ address, uploadBytesPerS }, viewer) => {
      return { viewer, bindAddress: address, uploadBytesPerS };
    });
    for (const [first, { enter }] of places.slice(0, processes).entries()) {
      const viewers = orders.filter(({ viewer }) => viewer % processes === first);
      const child = audience.#start(enter, { ...order, viewers });
      audience.#processes.push({ child, viewers: viewers.map(({ viewer }) => viewer) });
      await delay(START_EVERY_MS * viewers.length);
    }
    return audience;
  }

  /** What the viewers warned of. */
  get log(): string {
    return this.#log;
  }

  get alive(): readonly AudienceMember[] {
    return this.members.filter(({ isAlive }) => isAlive);
  }

  /** Kills this share of the processes at once, so that their viewers can say nothing. */
  async crash(share: number): Promise<void> {
    await this.#kill(Math.max(1, Math.round(share * this.#processes.length)));
  }

  async stop(): Promise<void> {
    await this.#kill(this.#processes.length);
  }

  async #kill(count: number): Promise<void> {
    const killed = this.#processes.splice(0, count);
    await Promise.all(
      killed.map(async ({ child, viewers }) => {
        for (const viewer of viewers) {
          const member = this.members[viewer];
          if (member !== undefined) member.isAlive = false;
        }
        if (child.exitCode !== null || child.signalCode !== null) return;
        const ended = once(child, "exit");
        child.kill("SIGKILL");
        await ended;
      }),
    );
  }

  #start(enter: readonly string[], order: ViewersOrder): ChildProcess {
    const [command = "", ...args] = [...enter, process.execPath, PROGRAM, JSON.stringify(order)];
    const child = spawn(command, args, {
      env: plainEnvironment(),
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    child.stderr?.on("data", (chunk) => {
      this.#log = `${this.#log}${chunk}`.slice(-LOG_LENGTH_MAX);
    });
    child.on("message", (news) => this.#hear(news as ViewersNews));
    return child;
  }

  #hear(news: ViewersNews): void {
    const member = this.members[news.viewer];
    if (member?.isAlive !== true) return;
    if (news.kind === "report") member.report = news.report;
    else member.segments.set(news.segment.sequence, news.segment);
  }
}
