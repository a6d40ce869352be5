import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import type { PeerReport } from "../peer/node/index.ts";
import type { ViewersNews, ViewersOrder, Watched } from "./mesh-viewers.ts";
import { packageFile, plainEnvironment } from "./origin-process.ts";

const PROGRAM = packageFile("dist/test/mesh-viewers.js");
const START_EVERY_MS = 1500;
const LOG_LENGTH_MAX = 20_000;

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

  /** Starts `count` viewers, dealt out to `processes` processes, one process after the other. */
  static async gather(
    count: number,
    processes: number,
    order: Omit<ViewersOrder, "viewers">,
  ): Promise<Audience> {
    const audience = new Audience(count);
    for (let first = 0; first < Math.min(count, processes); first++) {
      const viewers: number[] = [];
      for (let viewer = first; viewer < count; viewer += processes) viewers.push(viewer);
      audience.#processes.push({ child: audience.#start({ ...order, viewers }), viewers });
      // Starting takes much of the machine, and those who are there want to play.
      await delay(START_EVERY_MS);
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

  #start(order: ViewersOrder): ChildProcess {
    const child = spawn(process.execPath, [PROGRAM, JSON.stringify(order)], {
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
