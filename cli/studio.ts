import { mkdirSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { ApiKeys, connectRedis, type Stream, StreamRegistry } from "../pipeline/index.ts";
import { dataPaths, localHost } from "./addresses.ts";
import type { LoadedConfig } from "./config.ts";
import { lockDataFolder } from "./data-lock.ts";
import { withEmbeddedRedis } from "./embedded-redis.ts";
import { OriginProcesses } from "./origin-processes.ts";
import { type OriginStatus, OriginStatusReader } from "./origin-status.ts";
import { checkPort } from "./ports.ts";
import { testCardCommand } from "./publish-test.ts";
import { RoleLogs } from "./role-logs.ts";
import { listenForStop, type StopSignal } from "./stop-signal.ts";
import { bannerText, findingLines, statusText } from "./studio-text.ts";
import { Terminal } from "./terminal.ts";
import { TestCard } from "./test-card.ts";

const STATUS_INTERVAL_MS = 500;

/** What the studio has made or found in Redis before it starts the roles. */
interface Prepared {
  readonly stream: Stream;
  /** Only at the very first start: later nobody knows it but its owner. */
  readonly newApiKey: string | undefined;
}

/**
 * Runs a whole origin on one machine until a signal: an embedded Redis (unless another is named),
 * one supervised process per role, and a test card while nobody publishes.
 * @throws StarlingError "data-in-use" or "port-refused" before anything was started, "child-refused"
 * when a role would not start.
 */
export async function runStudio(loaded: LoadedConfig): Promise<void> {
  const stop = listenForStop();
  const { config } = loaded;
  const terminal = new Terminal(process.stdout);
  mkdirSync(config.dataDir, { recursive: true });
  const unlock = lockDataFolder(config.dataDir);
  const logs = new RoleLogs(dataPaths(config).logs, terminal);
  try {
    await checkPort(config.host, config.rtmpPort, "rtmpPort");
    await checkPort(config.host, config.httpPort, "httpPort");
    if (config.redisUrl !== undefined) {
      await runOrigin(loaded, config.redisUrl, { terminal, logs, stop });
    } else {
      await withEmbeddedRedis(dataPaths(config).redis, logs, (redisUrl) =>
        runOrigin(loaded, redisUrl, { terminal, logs, stop }),
      );
    }
    terminal.write("Stopped.");
  } finally {
    logs.close();
    unlock();
  }
}

interface StudioTools {
  readonly terminal: Terminal;
  readonly logs: RoleLogs;
  readonly stop: StopSignal;
}

async function runOrigin(
  loaded: LoadedConfig,
  redisUrl: string,
  tools: StudioTools,
): Promise<void> {
  const { terminal, stop } = tools;
  const redis = connectRedis(redisUrl);
  // The roles complain about a lost Redis already.
  redis.on("error", () => undefined);
  const processes = new OriginProcesses(loaded, redisUrl, tools);
  stop.onSecond(() => processes.kill());
  try {
    const prepared = await prepare(loaded, new StreamRegistry(redis), () =>
      new ApiKeys(redis).createFirst(),
    );
    const ports = await Promise.race([processes.start(), stop.asked]);
    if (typeof ports === "object") {
      terminal.write(bannerText(terminal, { ...loaded, ...prepared, ports }));
      const reader = new OriginStatusReader(redis, prepared.stream.id);
      await follow(loaded, prepared.stream, ports.rtmpPort, reader, tools);
    }
    terminal.clearStatus();
    terminal.write("Stopping ...");
  } finally {
    await processes.stop();
    redis.disconnect();
  }
}

async function prepare(
  { config }: LoadedConfig,
  registry: StreamRegistry,
  createKey: () => Promise<string | undefined>,
): Promise<Prepared> {
  const existing = await registry.get(config.stream);
  const stream = existing ?? (await registry.create({ id: config.stream }));
  return { stream, newApiKey: await createKey() };
}

/** Shows the status line and drives the test card until the studio is asked to stop. */
async function follow(
  { config }: LoadedConfig,
  stream: Stream,
  rtmpPort: number,
  reader: OriginStatusReader,
  { terminal, stop }: StudioTools,
): Promise<void> {
  const rtmpUrl = `rtmp://${localHost(config.host)}:${rtmpPort}/live/${stream.streamKey}?filler=1`;
  const testCard = new TestCard(testCardCommand(rtmpUrl, config), Date.now(), (reason) => {
    terminal.write(terminal.style("yellow", `The test card ended: ${reason}`));
  });
  let findings: OriginStatus["findings"] = [];
  try {
    while (!stop.isAsked) {
      const status = await Promise.race([reader.read(Date.now()), stop.asked]);
      if (typeof status === "string") return;
      if (config.demo) testCard.update(Date.now(), status.publisher);
      for (const line of findingLines(terminal, findings, status.findings)) terminal.write(line);
      findings = status.findings;
      terminal.status(status.state, statusText(terminal, stream.id, status));
      await Promise.race([delay(STATUS_INTERVAL_MS), stop.asked]);
    }
  } finally {
    await testCard.stop();
  }
}
