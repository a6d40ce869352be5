import type { StarlingStats } from "../index.ts";

/** What the page says about the mesh. */
export interface MeshText {
  /** "87 %" of the media came from viewers. */
  readonly share: string;
  /** A sentence or two about the neighbours. */
  readonly words: string;
}

const NONE = "–";

/** The mesh in words. */
export function meshText(stats: StarlingStats | undefined): MeshText {
  if (stats === undefined || stats.offload === null) return { share: NONE, words: "" };
  return {
    share: `${Math.round(stats.offload * 100)} %`,
    words: `${company(stats)} ${giving(stats)}`,
  };
}

function company({ neighbours }: StarlingStats): string {
  const seeds = neighbours.filter(({ role }) => role === "seed").length;
  const viewers = neighbours.length - seeds;
  if (neighbours.length === 0) return "Looking for other viewers.";
  if (viewers === 0) return "You are the first: the video comes straight from the server.";
  return `Connected to ${viewers} ${viewers === 1 ? "viewer" : "viewers"}${seeds > 0 ? " and the server" : ""}.`;
}

function giving({ uploadedBytes }: StarlingStats): string {
  return uploadedBytes < 1e5 ? "" : `You have passed on ${bytesText(uploadedBytes)}.`;
}

/** "640 kB", "3.1 MB" or "140 MB". */
export function bytesText(byteLength: number): string {
  if (byteLength < 1e6) return `${Math.round(byteLength / 1e3)} kB`;
  return `${(byteLength / 1e6).toFixed(byteLength < 1e7 ? 1 : 0)} MB`;
}
