import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Request, Response } from "express";
import { errorCode } from "../core/index.ts";
import { refusal } from "./problems.ts";
import { defineRoute, type Route } from "./route.ts";
import { setPageHeaders, setWorkerHeaders } from "./security-headers.ts";

/** The built pages: dist/player, whether this file runs from dist/ or as source. */
export function defaultStaticDir(): string {
  const parent = fileURLToPath(new URL("..", import.meta.url));
  return basename(parent) === "dist" ? join(parent, "player") : join(parent, "dist", "player");
}

const ASSET = /^[a-z0-9][a-z0-9-]*(\.bundle|\.worker)?\.(js|js\.map|css|svg)$/;

/** The pages for viewers and the files that they load. */
export function pageRoutes(staticDir: string): Route[] {
  const page = (path: string, file: string, summary: string): Route =>
    defineRoute({
      method: "get",
      path,
      tag: "pages",
      summary,
      answers: { 200: { description: "The page", contentType: "text/html" } },
      problems: ["player-not-built"],
      handle: async (_request, response) => {
        setPageHeaders(response);
        await sendStatic(response, staticDir, file);
      },
    });
  return [
    page("/", "home.html", "The streams that are on air"),
    page("/watch/:stream", "watch.html", "Watch a stream"),
    defineRoute({
      method: "get",
      path: "/player/:file",
      tag: "pages",
      summary: "A script, style sheet or picture of the pages",
      answers: { 200: { description: "The file" } },
      problems: ["route-not-found", "player-not-built"],
      handle: (request, response) => sendAsset(request, response, staticDir),
    }),
  ];
}

async function sendAsset(request: Request, response: Response, staticDir: string): Promise<void> {
  const { file } = request.params;
  if (typeof file !== "string" || !ASSET.test(file)) {
    throw refusal("route-not-found", "The pages have no such file.");
  }
  if (file.endsWith(".worker.js")) setWorkerHeaders(response);
  await sendStatic(response, staticDir, file);
}

function sendStatic(response: Response, root: string, file: string): Promise<void> {
  response.set("Cache-Control", "no-cache");
  return new Promise((resolve, reject) => {
    response.sendFile(
      file,
      { root, cacheControl: false },
      (error?: Error & { status?: number }) => {
        const clientLeft = errorCode(error) === "ECONNABORTED" || response.destroyed;
        if (error === undefined || clientLeft) resolve();
        else if (error.status === 404) reject(refusal("player-not-built", "Run npm run build."));
        else reject(error);
      },
    );
  });
}
