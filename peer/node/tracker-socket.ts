import { type RawData, WebSocket } from "ws";
import { TRACKER_MESSAGE_LENGTH_MAX } from "../../core/index.ts";
import type { OpenTrackerSocket } from "../index.ts";

/** A tracker's WebSocket by ws. */
export const openTrackerSocket: OpenTrackerSocket = (url, events) => {
  const socket = new WebSocket(url, {
    maxPayload: TRACKER_MESSAGE_LENGTH_MAX * 3,
    perMessageDeflate: false,
  });
  let failure: Error | undefined;
  socket.on("ping", () => events.alive());
  socket.on("message", (data) => events.message(textOf(data)));
  socket.on("error", (error) => {
    failure ??= error;
  });
  socket.on("close", () => events.closed(failure));
  return {
    send: (text) => socket.send(text),
    close: () => socket.close(1000),
    terminate: () => socket.terminate(),
  };
};

function textOf(data: RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString();
  return Buffer.isBuffer(data) ? data.toString() : Buffer.from(data).toString();
}
