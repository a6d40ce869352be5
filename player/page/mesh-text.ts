import type { StarlingStats } from "../index.ts";
import { bitrateText } from "./readout.ts";

/** What the page says about the mesh. */
export interface MeshText {
  /** "87 %" of the media came from viewers. */
  readonly share: string;
  readonly title: string;
  /** A sentence or two about the neighbours. */
  readonly words: string;
  /** What comes and goes now, "640 kb/s": to viewers, from viewers, from the server. */
  readonly flows: {
    readonly giving: string;
    readonly fromViewers: string;
    readonly fromServer: string;
  };
}

const NONE = "–";
/** What is less than this is talk, not video. */
const MEDIA_BITS_PER_S_MIN = 20_000;

/** The mesh in words. */
export function meshText(stats: StarlingStats | undefined): MeshText {
  const { neighbours = [] } = stats ?? {};
  const viewers = neighbours.filter(({ role }) => role === "viewer");
  const seeds = neighbours.filter(({ role }) => role === "seed");
  const flows = {
    giving: rateText(viewers.map(({ sentBitsPerS }) => sentBitsPerS)),
    fromViewers: rateText(viewers.map(({ receivedBitsPerS }) => receivedBitsPerS)),
    fromServer: rateText(seeds.map(({ receivedBitsPerS }) => receivedBitsPerS)),
  };
  const title = viewers.length === 0 ? "You are the first here" : "Viewers carry this stream";
  if (stats === undefined || stats.offload === null)
    return { share: NONE, title, words: "", flows };
  const share = `${Math.round(stats.offload * 100)} %`;
  const words = `${company(viewers.length, seeds.length)} ${giving(stats)}`.trim();
  return { share, title, words, flows };
}

function company(viewers: number, seeds: number): string {
  if (viewers + seeds === 0) return "Looking for other viewers.";
  if (viewers === 0) return "The video comes straight from the server until others join.";
  return `Connected to ${viewers} ${viewers === 1 ? "viewer" : "viewers"}${seeds > 0 ? " and the server" : ""}.`;
}

function giving({ uploadedBytes }: StarlingStats): string {
  return uploadedBytes < 1e5 ? "" : `You have passed on ${bytesText(uploadedBytes)}.`;
}

function rateText(bitsPerS: readonly number[]): string {
  const sum = bitsPerS.reduce((total, one) => total + one, 0);
  return bitrateText(sum < MEDIA_BITS_PER_S_MIN ? undefined : sum);
}

/** "640 kB", "3.1 MB" or "140 MB". */
export function bytesText(byteLength: number): string {
  if (byteLength < 1e6) return `${Math.round(byteLength / 1e3)} kB`;
  return `${(byteLength / 1e6).toFixed(byteLength < 1e7 ? 1 : 0)} MB`;
}
