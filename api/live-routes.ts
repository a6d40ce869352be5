import type { Request, Response } from "express";
import {
  type BlockId,
  errorCode,
  INIT_PART,
  isBlockId,
  isStreamId,
  RENDITIONS_MAX,
} from "../core/index.ts";
import type { ManifestLog, Timeline } from "../pipeline/index.ts";
import type { LiveStreams, LiveView } from "./live-streams.ts";
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
const INIT_PREFIX = "init-";

/**
 * The HTTP fallback: playlists, segments and manifests under `/live/:stream/`, and of renditions other
 * than the first in a folder of their number.
 */
export function liveRoutes(parts: LiveRouteParts): Route[] {
  return [
    playlistRoute("/live/:stream/master.m3u8", "The multivariant playlist", async (request) => {
      const { stream } = await onAir(request, parts.live);
      return parts.live.master(stream.id);
    }),
    ...renditionRoutes(parts, "/live/:stream", ""),
    ...renditionRoutes(parts, "/live/:stream/:rendition", " of a rendition, 1 to 7"),
  ];
}

/** The addresses of one rendition. */
function renditionRoutes(parts: LiveRouteParts, folder: string, of: string): Route[] {
  const media = (name: string, summary: string, prefix: string): Route =>
    defineRoute({
      method: "get",
      path: `${folder}/${name}`,
      tag: "live",
      summary,
      answers: {
        200: { description: "The bytes; immutable", contentType: "video/mp4" },
        206: { description: "The range asked for", contentType: "video/mp4" },
        304: { description: "The client has it" },
      },
      problems: ["media-not-found", "range-not-satisfiable"],
      handle: (request, response) => sendMedia(parts, request, response, prefix),
    });
  return [
    playlistRoute(`${folder}/media.m3u8`, `The live media playlist${of}`, async (request) => {
      const { playlist = "" } = await onAir(request, parts.live);
      return playlist;
    }),
    media("init-:block.mp4", `The init segment of a publish session${of}`, INIT_PREFIX),
    media(
      ":block.m4s",
      `A media segment${of}, or a part of it: "<sequence>" or "<sequence>-<part>"`,
      "",
    ),
    defineRoute({
      method: "get",
      path: `${folder}/:block.manifest`,
      tag: "live",
      summary: `The signed manifest of a block${of}: "<sequence>", of a later part "<sequence>-<part>", or "init-<sequence>"`,
      answers: {
        200: { description: "A compact JWS; immutable", contentType: "application/jose" },
      },
      problems: ["media-not-found"],
      handle: (request, response) => sendManifest(parts, request, response),
    }),
  ];
}

function playlistRoute(
  path: string,
  summary: string,
  render: (request: Request) => Promise<string>,
): Route {
  return defineRoute({
    method: "get",
    path,
    tag: "live",
    summary,
    answers: { 200: { description: "The playlist", contentType: PLAYLIST_TYPE } },
    problems: ["stream-not-found", "stream-offline"],
    handle: async (request, response) => {
      response
        .set("Cache-Control", "no-cache")
        .type(PLAYLIST_TYPE)
        .send(await render(request));
    },
  });
}

async function onAir(request: Request, live: LiveStreams): Promise<LiveView> {
  const id = request.params["stream"];
  const rendition = renditionOf(request);
  const isName = isStreamId(id) && rendition !== undefined;
  const view = isName ? await live.view(id, rendition) : undefined;
  if (view === undefined) throw refusal("stream-not-found", "Check the stream id in the address.");
  if (view.playlist === undefined) {
    throw refusal("stream-offline", "Nobody publishes to the stream. Try again in a few seconds.");
  }
  return view;
}

async function sendMedia(
  { timeline, mediaRoot, traffic, metrics }: LiveRouteParts,
  request: Request,
  response: Response,
  prefix: string,
): Promise<void> {
  const { stream, block: name } = request.params;
  const block = blockOf(renditionOf(request), `${prefix}${name}`);
  const record =
    isStreamId(stream) && block !== undefined ? await timeline.get(stream, block) : undefined;
  if (record === undefined) throw notThere();
  countSentBytes(response, (byteLength) => {
    traffic.add(record.stream, { httpBytes: byteLength });
    metrics.mediaBytes.inc({ kind: prefix === INIT_PREFIX ? "init" : "segment" }, byteLength);
  });
  // The name says it all: a session's numbered segment never changes.
  response.set("ETag", `"${record.session}-${name}"`).type("video/mp4");
  // A segment's number alone names all of its file, whatever its parts are.
  const range = String(name).includes("-")
    ? { start: record.offset, end: record.offset + record.byteLength - 1 }
    : {};
  await sendFile(response, record.path, { ...range, root: mediaRoot });
}

function sendFile(
  response: Response,
  path: string,
  where: { readonly root: string; readonly start?: number; readonly end?: number },
): Promise<void> {
  return new Promise((resolve, reject) => {
    const choices = { ...where, maxAge: "365d", immutable: true, lastModified: false } as const;
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
  const { stream, block: name } = request.params;
  const block = blockOf(renditionOf(request), String(name));
  const jws =
    isStreamId(stream) && block !== undefined ? await manifests.get(stream, block) : undefined;
  if (jws === undefined) throw notThere();
  response.set("Cache-Control", IMMUTABLE).set("ETag", `"${jws.slice(-43)}"`);
  response.type("application/jose").send(jws);
}

const BLOCK_NAME = /^(?:init-(0|[1-9]\d{0,9})|(0|[1-9]\d{0,9})(?:-(0|[1-9]\d{0,4}))?)$/;

/** The rendition that an address names; undefined when there can be none. */
function renditionOf(request: Request): number | undefined {
  const { rendition } = request.params;
  if (rendition === undefined) return 0;
  return /^[1-9]$/.test(String(rendition)) && Number(rendition) < RENDITIONS_MAX
    ? Number(rendition)
    : undefined;
}

/** The block of a name; of a segment's number alone it is the first part. */
function blockOf(rendition: number | undefined, name: string): BlockId | undefined {
  if (rendition === undefined) return undefined;
  const [, init, sequence = init, part = "0"] = BLOCK_NAME.exec(name) ?? [];
  if (Number(part) >= INIT_PART) return undefined;
  const block = {
    rendition,
    sequence: Number(sequence),
    part: init === undefined ? Number(part) : INIT_PART,
  };
  return isBlockId(block) ? block : undefined;
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
