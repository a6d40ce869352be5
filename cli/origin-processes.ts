import { fileURLToPath } from "node:url";
import { assert } from "../core/index.ts";
import { ROLES, type Role } from "./commands.ts";
import { environmentFor, type LoadedConfig, processEnvironment } from "./config.ts";
import type { RoleLogs } from "./role-logs.ts";
import { localApiUrl } from "./roles.ts";
import { type ChildEvent, type ReadyMessage, SupervisedChild } from "./supervised-child.ts";
import type { Terminal } from "./terminal.ts";

const MAIN_FILE = fileURLToPath(new URL("./main.js", import.meta.url));
const STOP_GRACE_MS = 5000;
const SLOW_START_MS = 20_000;

/** The ports that the doors really listen on. */
export interface OriginPorts {
  readonly rtmpPort: number;
  readonly httpPort: number;
}

/** One supervised process per role of the origin. */
export class OriginProcesses {
  readonly #loaded: LoadedConfig;
  readonly #redisUrl: string;
  readonly #logs: RoleLogs;
  readonly #terminal: Terminal;
  readonly #children: ReadonlyMap<Role, SupervisedChild>;
  #ports: Partial<OriginPorts> = {};

  constructor(
    loaded: LoadedConfig,
    redisUrl: string,
    output: { readonly logs: RoleLogs; readonly terminal: Terminal },
  ) {
    this.#loaded = loaded;
    this.#redisUrl = redisUrl;
    this.#logs = output.logs;
    this.#terminal = output.terminal;
    this.#children = new Map(ROLES.map((role) => [role, this.#child(role)]));
  }

  /**
   * Starts all roles and waits until they work; the seeder comes last, as it needs the API.
   * @throws StarlingError "child-refused" when one ends with the status for a refusal.
   */
  async start(): Promise<OriginPorts> {
    const slow = setTimeout(() => this.#tellSlow(), SLOW_START_MS);
    try {
      const [ingest, api] = await Promise.all([
        this.#start("ingest"),
        this.#start("api"),
        this.#start("encoder"),
        this.#start("signer"),
      ]);
      const ports = { rtmpPort: portOf(ingest, "rtmpPort"), httpPort: portOf(api, "port") };
      this.#ports = ports;
      await this.#start("seeder");
      return ports;
    } finally {
      clearTimeout(slow);
    }
  }

  /** Ends all roles; those that take more than 5 s are killed. */
  async stop(): Promise<void> {
    await Promise.all([...this.#children.values()].map((child) => child.stop(STOP_GRACE_MS)));
  }

  /** Kills all roles at once. */
  kill(): void {
    for (const child of this.#children.values()) child.kill();
  }

  #start(role: Role): Promise<ReadyMessage["details"]> {
    const child = this.#children.get(role);
    assert(child !== undefined, "every role has a child");
    child.start();
    return child.ready;
  }

  #child(role: Role): SupervisedChild {
    return new SupervisedChild(
      {
        name: role,
        command: [process.execPath, MAIN_FILE, role],
        environment: () => ({ ...processEnvironment(), ...this.#environment() }),
      },
      (event) => this.#onEvent(event),
    );
  }

  /** A port that was chosen freely at the first start is kept at a restart. */
  #environment(): Record<string, string> {
    const { config, settings } = this.#loaded;
    const { rtmpPort = config.rtmpPort, httpPort = config.httpPort } = this.#ports;
    return environmentFor(settings, {
      logFormat: "json",
      redisUrl: this.#redisUrl,
      dataDir: config.dataDir,
      rtmpPort: String(rtmpPort),
      httpPort: String(httpPort),
      apiUrl: localApiUrl({ ...config, apiUrl: undefined, httpPort }),
    });
  }

  #onEvent(event: ChildEvent): void {
    switch (event.type) {
      case "line":
        this.#logs.write(event.child, event.line);
        break;
      case "ended": {
        const pause = `${event.restartInMs / 1000} s`;
        this.#tell("red", `${event.child} ended (${event.reason}); it starts again in ${pause}`);
        break;
      }
      case "ready":
        if (event.isRestart) this.#tell("green", `${event.child} runs again`);
        break;
      default:
        event satisfies never;
    }
  }

  #tellSlow(): void {
    const files = ROLES.map((role) => this.#logs.pathOf(role)).join(", ");
    this.#tell("yellow", `Still starting. What the roles say is in ${files}`);
  }

  #tell(style: "red" | "yellow" | "green", text: string): void {
    this.#terminal.write(this.#terminal.style(style, text));
  }
}

function portOf(details: ReadyMessage["details"], name: string): number {
  const port = details[name];
  assert(typeof port === "number", `a role with a door says its ${name} when it is ready`);
  return port;
}
