import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { PeerReport } from "../peer/node/index.ts";
import type { OriginProcess } from "./origin-process.ts";
import { starling } from "./origin-process.ts";

/** A headless viewer, as `starling peer` runs it, that writes each segment to a folder. */
export class ViewerProcess {
  readonly folder: string;
  readonly #peer: ChildProcess;
  readonly #closed: Promise<unknown>;
  #out = "";
  #log = "";

  constructor(
    origin: Pick<OriginProcess, "httpUrl">,
    folder: string,
    args: readonly string[] = [],
  ) {
    this.folder = folder;
    const own = ["--api-url", origin.httpUrl, "--segments-dir", folder, "--log-format", "json"];
    this.#peer = starling("peer", ...own, "--stats-json", ...args);
    this.#closed = once(this.#peer, "close");
    this.#peer.stdout?.on("data", (chunk) => {
      this.#out += chunk;
    });
    this.#peer.stderr?.on("data", (chunk) => {
      this.#log += chunk;
    });
  }

  /** What it logged, as JSON lines. */
  get log(): string {
    return this.#log;
  }

  /** The sequence numbers of the media segments that it has put out, ascending. */
  async sequences(): Promise<number[]> {
    const names = await readdir(this.folder).catch(() => []);
    const media = names.filter((name) => /^\d+\.m4s$/.test(name));
    return media.map((name) => Number.parseInt(name, 10)).sort((a, b) => a - b);
  }

  /** The names of the init segments that it has put out. */
  async inits(): Promise<string[]> {
    const names = await readdir(this.folder).catch(() => []);
    return names.filter((name) => /^init-\d+\.mp4$/.test(name));
  }

  read(name: string): Promise<Buffer> {
    return readFile(join(this.folder, name));
  }

  /** Ctrl-C; gives what it reports at its end. */
  async end(): Promise<PeerReport> {
    if (this.#peer.exitCode === null) this.#peer.kill("SIGINT");
    await this.#closed;
    const line = this.#out.trim().split("\n").at(-1) ?? "";
    try {
      return JSON.parse(line) as PeerReport;
    } catch {
      throw new Error(`The viewer ended without a report.\n${this.#out}\n${this.#log}`);
    }
  }
}
