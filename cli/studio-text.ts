import type { Stream } from "../pipeline/index.ts";
import { friendlyHost } from "./addresses.ts";
import type { Config } from "./options.ts";
import type { OriginPorts } from "./origin-processes.ts";
import type { Finding, OriginStatus, StreamState } from "./origin-status.ts";
import type { Terminal } from "./terminal.ts";

const STATE_STYLES = {
  live: "green",
  "test card": "cyan",
  starting: "yellow",
  stalled: "red",
  "waiting for a broadcaster": "yellow",
} as const satisfies Record<StreamState, string>;

/** What a newcomer needs to know, once, when everything runs. */
export function bannerText(
  terminal: Terminal,
  facts: {
    readonly config: Config;
    readonly stream: Stream;
    readonly newApiKey: string | undefined;
    readonly ports: OriginPorts;
  },
): string {
  const { config, stream, ports, newApiKey } = facts;
  const host = friendlyHost(config.host);
  const site = config.publicUrl ?? `http://${host}:${ports.httpPort}`;
  const rtmpHost = config.publicUrl === undefined ? host : new URL(config.publicUrl).hostname;
  const rows = [
    ["Watch", terminal.style("bold", `${site}/watch/${stream.id}`)],
    ["OBS server", `rtmp://${rtmpHost}:${ports.rtmpPort}/live`],
    ...(config.rtmpsCert === undefined
      ? []
      : [["or encrypted", `rtmps://${rtmpHost}:${ports.rtmpPort}/live`]]),
    ["OBS stream key", stream.streamKey],
    ["API", `${site}/api/v1`],
    ...(newApiKey === undefined
      ? []
      : [["API key", `${newApiKey}  ${terminal.style("yellow", "(shown only now: keep it)")}`]]),
    ["Data folder", config.dataDir],
  ];
  const lines = rows.map(([name = "", value]) => `  ${name.padEnd(16)}${value}`);
  const title = terminal.style("bold", "Starling is on air.");
  return `\n${title}\n\n${lines.join("\n")}\n\n  Ctrl-C stops everything.\n`;
}

const FINDING_STYLES = { info: "cyan", warning: "yellow", error: "red" } as const;

/** What the doctor has found since the last look, and what is cured, a line each. */
export function findingLines(
  terminal: Terminal,
  before: readonly Finding[],
  now: readonly Finding[],
): string[] {
  const isIn = (findings: readonly Finding[], code: string) =>
    findings.some((finding) => finding.code === code);
  return [
    ...now
      .filter(({ code }) => !isIn(before, code))
      .map(({ severity, message, cure }) =>
        terminal.style(FINDING_STYLES[severity], `Doctor: ${message} ${cure}`),
      ),
    ...before
      .filter(({ code }) => !isIn(now, code))
      .map(({ message }) => terminal.style("green", `Doctor: no longer so: ${message}`)),
  ];
}

/** "● live  main  1.0 segments/s  12 peers  offload 93 %" */
export function statusText(terminal: Terminal, stream: string, status: OriginStatus): string {
  const parts = [
    terminal.style(STATE_STYLES[status.state], `● ${status.state}`),
    stream,
    `${status.segmentsPerS.toFixed(1)} segments/s`,
    status.peers === 1 ? "1 peer" : `${status.peers} peers`,
    `offload ${status.offload === undefined ? "-" : `${(status.offload * 100).toFixed(0)} %`}`,
  ];
  return parts.join("   ");
}
