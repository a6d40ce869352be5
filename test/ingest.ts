import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { launchChromium } from "./chromium.ts";
import { eventually } from "./eventually.ts";
import { encodeCase, INGEST_CASES, type IngestCase } from "./ingest-case.ts";
import { type ClientName, INGEST_CLIENTS, IngestClient, whyNoClient } from "./ingest-client.ts";
import { OriginProcess } from "./origin-process.ts";

const PASSPHRASE = "a-passphrase-for-tests";
const PROTOCOLS = ["rtmp", "srt"] as const;
type Protocol = (typeof PROTOCOLS)[number];

/** The picture has to run for this long. */
const PLAYED_S = 3;
/** An 8 s GOP takes three segments to begin. */
const CASE_TIMEOUT_MS = 60_000;

/** Who publishes, and how. */
interface Way {
  readonly client: ClientName;
  readonly protocol: Protocol;
}

/** Every way that there is to publish. */
const WAYS: readonly Way[] = INGEST_CLIENTS.flatMap((client) =>
  PROTOCOLS.map((protocol) => ({ client, protocol })),
);

/** What became of one case. `skipped`: this machine's client cannot send it, or is not there. */
interface Outcome extends Way {
  readonly name: string;
  readonly result: "played" | "refused" | "failed" | "skipped";
  /** From the start of the encoder to the picture that has run. */
  readonly seconds: number;
  readonly codes: readonly string[];
  readonly detail: string;
}

interface Doctor {
  readonly health: string;
  readonly findings: readonly { code: string; severity: string; message: string }[];
}

/** An origin with a stream for each case and protocol, and Chromium. */
class IngestStage {
  readonly #origin: OriginProcess;
  readonly #browser: Browser;
  readonly #ports: ReadonlyMap<string, number>;

  private constructor(origin: OriginProcess, browser: Browser, ports: ReadonlyMap<string, number>) {
    this.#origin = origin;
    this.#browser = browser;
    this.#ports = ports;
  }

  static async open(folder: string): Promise<IngestStage> {
    const ports = new Map<string, number>();
    for (const way of WAYS.filter(({ protocol }) => protocol === "srt")) {
      for (const [index] of INGEST_CASES.entries()) {
        ports.set(streamOf(way, index), await freeUdpPort());
      }
    }
    const doors = [...ports].map(([stream, port]) => `${stream}:${port}:${PASSPHRASE}`);
    const origin = new OriginProcess(join(folder, "data"), ["--no-demo", "--srt", doors.join(",")]);
    await origin.start();
    return new IngestStage(origin, await launchChromium(), ports);
  }

  async close(): Promise<void> {
    await this.#browser.close();
    await this.#origin.stop();
  }

  async run(ingestCase: IngestCase, way: Way, file: string | undefined): Promise<Outcome> {
    const stream = streamOf(way, INGEST_CASES.indexOf(ingestCase));
    const { streamKey } = await this.#ask<{ streamKey: string }>("streams", { id: stream });
    const url =
      way.protocol === "rtmp"
        ? `${this.#origin.rtmpUrl}/${streamKey}`
        : `srt://127.0.0.1:${this.#ports.get(stream)}?passphrase=${PASSPHRASE}&pkt_size=1316`;
    const startedAtMs = performance.now();
    const publisher = new IngestClient(way.client, ingestCase, url, file);
    const page = await this.#browser.newPage();
    try {
      await page.goto(`${this.#origin.httpUrl}/watch/${stream}`);
      const result = await eventually(async () => {
        if (publisher.cannotSend) return "skipped" as const;
        const timeS = await page.evaluate<number>(`document.querySelector("video").currentTime`);
        const doctor = await this.#doctor(stream);
        if (doctor.health === "offline" && doctor.findings.length > 0) return "refused" as const;
        const isTold = ingestCase.findings.every((code) => codesOf(doctor).includes(code));
        return timeS > PLAYED_S && isTold ? ("played" as const) : undefined;
      }, CASE_TIMEOUT_MS).catch(() => "failed" as const);
      const doctor = await this.#doctor(stream);
      const seconds = Math.round((performance.now() - startedAtMs) / 100) / 10;
      const detail = result === "failed" ? publisher.said : (doctor.findings[0]?.message ?? "");
      return { ...way, name: ingestCase.name, result, seconds, codes: codesOf(doctor), detail };
    } finally {
      await page.close();
      await publisher.end();
    }
  }

  #doctor(stream: string): Promise<Doctor> {
    return this.#ask<Doctor>(`streams/${stream}/doctor`);
  }

  async #ask<Answer>(path: string, body?: object): Promise<Answer> {
    const headers = {
      Authorization: `Bearer ${this.#origin.apiKey}`,
      "Content-Type": "application/json",
    };
    const request =
      body === undefined ? { headers } : { headers, method: "POST", body: JSON.stringify(body) };
    return (await fetch(`${this.#origin.httpUrl}/api/v1/${path}`, request)).json() as Answer;
  }
}

function streamOf({ client, protocol }: Way, index: number): string {
  return `${client}-${protocol}-${index}`;
}

function codesOf({ findings }: Doctor): string[] {
  return findings.map(({ code }) => code);
}

function notRun(way: Way, name: string, detail: string): Outcome {
  return { ...way, name, result: "skipped", seconds: 0, codes: [], detail };
}

async function freeUdpPort(): Promise<number> {
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address();
  socket.close();
  await once(socket, "close");
  return port;
}

function line({ client, protocol, name, result, seconds, codes, detail }: Outcome): string {
  const columns = [
    client.padEnd(9),
    protocol.padEnd(5),
    name.padEnd(12),
    result.padEnd(8),
    `${seconds} s`.padEnd(7),
  ];
  return `${columns.join(" ")} ${codes.join(", ")}${detail === "" ? "" : `  (${detail.trim()})`}`;
}

async function main(): Promise<void> {
  if (process.argv.includes("--help")) {
    console.log(USAGE);
    return;
  }
  const folder = await mkdtemp(join(tmpdir(), "starling-"));
  const stage = await IngestStage.open(folder);
  const outcomes: Outcome[] = [];
  try {
    const wanted = process.argv[2] ?? "";
    for (const ingestCase of INGEST_CASES.filter(({ name }) => name.includes(wanted))) {
      const file = await encodeCase(ingestCase, folder);
      for (const way of WAYS.filter(({ client }) => file !== undefined || client === "gstreamer")) {
        const lack = whyNoClient(way.client);
        const outcome =
          lack === undefined
            ? await stage.run(ingestCase, way, file)
            : notRun(way, ingestCase.name, lack);
        outcomes.push(outcome);
        console.log(line(outcome));
      }
      if (file !== undefined) await rm(file);
    }
  } finally {
    await stage.close();
    await rm(folder, { recursive: true, force: true });
  }
  const count = (result: Outcome["result"]) =>
    outcomes.filter((outcome) => outcome.result === result).length;
  const [played, refused, failed] = [count("played"), count("refused"), count("failed")];
  const cases = played + refused + failed;
  console.log(
    JSON.stringify({ bench: "ingest", cases, played, refused, failed, skipped: count("skipped") }),
  );
  if (failed > 0 || played === 0) process.exitCode = 1;
}

const USAGE = `Usage: npm run e2e:ingest -- [part of a case's name]

ffmpeg and, where it is installed, GStreamer publish over RTMP and SRT what broadcasters send, well set and not
so well. Each broadcast has to play in Chromium, with the doctor telling what is to be told, or to be refused with
the doctor's words.
Ends with one JSON line; the exit status is 1 when anything did neither.`;

if (process.argv[1] === import.meta.filename) await main();
