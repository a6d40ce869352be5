import type { StatusAnswer } from "./stream-status.ts";

/** What the viewer sees: the picture (`live`), the picture behind a word of comfort (`paused`), or no picture (`waiting`). */
export interface Scene {
  readonly name: "live" | "paused" | "waiting";
  readonly badge: string;
  readonly title: string;
  readonly text: string;
}

/** A picture that stands still for less than this says nothing: a viewer forgives a short hiccup more easily than a curtain. */
export const STALL_PATIENCE_MS = 2500;

/**
 * Chooses the scene from the origin's last answer and the state of the picture; `hasPlayed`: one has moved here before; `canPlay`:
 * the browser knows a way to play a stream.
 */
export function sceneOf(
  status: StatusAnswer | undefined,
  picture: { started: boolean; stalledMs: number },
  { canPlay = true, hasPlayed = false } = {},
): Scene {
  if (!canPlay) return { name: "waiting", ...UNPLAYABLE };
  const showing = picture.started && picture.stalledMs < STALL_PATIENCE_MS;
  if (showing) return { name: "live", badge: "Live", title: "", text: "" };
  if (picture.started) return pausedScene(status);
  return { name: "waiting", ...waitingWords(status, hasPlayed) };
}

const UNPLAYABLE = {
  badge: "Not supported",
  title: "This browser cannot play the stream",
  text: "Any current Chrome, Edge, Firefox or Safari can.",
};

function pausedScene(status: StatusAnswer | undefined): Scene {
  const broadcasterGone = typeof status === "object" && status.state !== "live";
  return {
    name: "paused",
    badge: "Reconnecting",
    title: broadcasterGone ? "The broadcast was interrupted" : "Catching up",
    text: broadcasterGone
      ? "It goes on here by itself as soon as the broadcaster is back."
      : "Playback goes on by itself in a moment.",
  };
}

function waitingWords(status: StatusAnswer | undefined, hasPlayed: boolean): Omit<Scene, "name"> {
  if (status === undefined)
    return { badge: "Connecting", title: "Looking for the stream", text: "One moment." };
  if (status === "missing")
    return {
      badge: "Not found",
      title: "There is no stream here",
      text: "Check the address. If the stream is about to be created, this page will find it.",
    };
  if (status === "unreachable")
    return {
      badge: "No connection",
      title: "The server cannot be reached",
      text: "This page keeps trying. There is nothing you need to do.",
    };
  if (status.state === "offline" && hasPlayed)
    return {
      badge: "Ended",
      title: "The broadcast has ended",
      text: "Thank you for watching. The next one starts here by itself.",
    };
  if (status.state === "offline")
    return {
      badge: "Offline",
      title: "Nobody is broadcasting right now",
      text: "Keep this page open: it starts by itself.",
    };
  return { badge: "Connecting", title: "Starting the picture", text: "One moment." };
}
