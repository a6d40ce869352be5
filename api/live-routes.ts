import type { Request, Response } from "express";
import { type BlockId, errorCode, INIT_PART, isStreamId, SEQUENCE_MAX } from "../core/index.ts";
import type { ManifestLog, SegmentRecord, Timeline } from "../pipeline/index.ts";
import { type LiveStreams, type LiveView, renderMasterPlaylist } from "./live-streams.ts";
import type { ApiMetrics } from "./metrics.ts";
import { refusal } from "./problems.ts";
import { defineRoute, type Route } from "./route.ts";
import type { TrafficLedger } from "./traffic-ledger.ts";

export interface LiveRouteParts {
  readonly live: LiveStreams;
  readonly timeline: Timeline;
  readonly manifests: ManifestLog;
  readonly mediaRoot: string;
  readonly traffic: TrafficLedger;
  readonly metrics: ApiMetrics;
}

const PLAYLIST_TYPE = "application/vnd.apple.mpegurl";
const IMMUTABLE = "public, max-age=31536000, immutable";
const RENDITION = 0;

/** The HTTP fallback: playlists, segments and manifests under `/live/:stream/`. */
export function liveRoutes(parts: LiveRouteParts): Route[] {
  const playlist = (name: string, summary: string, render: (view: LiveView) => string): Route =>
    defineRoute({
      method: "get",
      path: `/live/:stream/${name}`,
      tag: "live",
      summary,
      answers: { 200: { description: "The playlist", contentType: PLAYLIST_TYPE } },
      problems: ["stream-not-found", "stream-offline"],
      handle: async (request, response) => {
        const view = await onAir(request, parts.live);
        response.set("Cache-Control", "no-cache").type(PLAYLIST_TYPE).send(render(view));
      },
    });
  const media = (name: string, summary: string, part: number): Route =>
    defineRoute({
      method: "get",
      path: `/live/:stream/${name}`,
      tag: "live",
      summary,
      answers: {
        200: { description: "The bytes; immutable", contentType: "video/mp4" },
        206: { description: "The range asked for", contentType: "video/mp4" },
        304: { description: "The client has it" },
      },
      problems: ["media-not-found", "range-not-satisfiable"],
      handle: (request, response) => sendMedia(parts, request, response, part),
    });
  return [
    playlist("media.m3u8", "The live media playlist", ({ playlist: text = "" }) => text),
    playlist("master.m3u8", "The multivariant playlist", ({ records }) =>
      renderMasterPlaylist(records),
    ),
    media("init-:sequence.mp4", "The init segment of a publish session", INIT_PART),
    media(":sequence.m4s", "A media segment", 0),
    defineRoute({
      method: "get",
      path: "/live/:stream/:block.manifest",
      tag: "live",
      summary: 'The signed manifest of a block: "<sequence>" or "init-<sequence>"',
      answers: {
        200: { description: "A compact JWS; immutable", contentType: "application/jose" },
      },
      problems: ["media-not-found"],
      handle: (request, response) => sendManifest(parts, request, response),
    }),
  ];
}

async function onAir(request: Request, live: LiveStreams): Promise<LiveView> {
  const id = request.params["stream"];
  const view = isStreamId(id) ? await live.view(id) : undefined;
  if (view === undefined) throw refusal("stream-not-found", "Check the stream id in the address.");
  if (view.state === "offline") {
    throw refusal("stream-offline", "Nobody publishes to the stream. Try again in a few seconds.");
  }
  return view;
}

async function sendMedia(
  { timeline, mediaRoot, traffic, metrics }: LiveRouteParts,
  request: Request,
  response: Response,
  part: number,
): Promise<void> {
  const { stream, sequence } = request.params;
  const block = blockOf(sequence, part);
  const record =
    isStreamId(stream) && block !== undefined ? await timeline.get(stream, block) : undefined;
  if (record === undefined) throw notThere();
  countSentBytes(response, (byteLength) => {
    traffic.add(record.stream, { httpBytes: byteLength });
    metrics.mediaBytes.inc({ kind: part === INIT_PART ? "init" : "segment" }, byteLength);
  });
  // The name says it all: a session's numbered segment never changes.
  response.set("ETag", `"${record.session}-${record.block.sequence}"`).type("video/mp4");
  await sendFile(response, record, mediaRoot);
}

function sendFile(response: Response, { path }: SegmentRecord, root: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const choices = { root, maxAge: "365d", immutable: true, lastModified: false } as const;
    response.sendFile(path, choices, (error?: Error & { status?: number }) => {
      const clientLeft = errorCode(error) === "ECONNABORTED" || response.destroyed;
      if (error === undefined || clientLeft) resolve();
      else reject(error.status === 404 ? notThere() : error);
    });
  });
}

async function sendManifest(
  { manifests }: LiveRouteParts,
  request: Request,
  response: Response,
): Promise<void> {
  const { stream, block: name = "" } = request.params as Record<string, string>;
  const isInit = name.startsWith("init-");
  const block = isInit ? blockOf(name.slice("init-".length), INIT_PART) : blockOf(name, 0);
  const jws =
    isStreamId(stream) && block !== undefined ? await manifests.get(stream, block) : undefined;
  if (jws === undefined) throw notThere();
  response.set("Cache-Control", IMMUTABLE).set("ETag", `"${jws.slice(-43)}"`);
  response.type("application/jose").send(jws);
}

function blockOf(sequence: unknown, part: number): BlockId | undefined {
  if (typeof sequence !== "string" || !/^(0|[1-9]\d{0,9})$/.test(sequence)) return undefined;
  const number = Number(sequence);
  return number > SEQUENCE_MAX ? undefined : { rendition: RENDITION, sequence: number, part };
}

function notThere(): Error {
  return refusal(
    "media-not-found",
    "It has not been made yet, or it is too old: reload the playlist and start at the live edge.",
  );
}

/** Reports how many body bytes went out, also when the client left half-way. */
function countSentBytes(response: Response, report: (byteLength: number) => void): void {
  const { socket } = response.req;
  const before = socket.bytesWritten;
  response.once("close", () => {
    const promised = Number(response.getHeader("Content-Length") ?? 0);
    const hasBody = response.req.method === "GET" && [200, 206].includes(response.statusCode);
    if (hasBody) report(Math.min(promised, Math.max(0, socket.bytesWritten - before)));
  });
}
