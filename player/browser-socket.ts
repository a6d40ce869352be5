import type { OpenTrackerSocket } from "../peer/index.ts";

/** A page does not see the tracker's pings: while the browser says that a socket is open, it lives. */
const ALIVE_EVERY_MS = 15_000;

/** A tracker's WebSocket by the browser. */
export const openTrackerSocket: OpenTrackerSocket = (url, events) => {
  const socket = new WebSocket(url);
  let timer: ReturnType<typeof setInterval> | undefined;
  const end = (error: Error | undefined): void => {
    clearInterval(timer);
    socket.onclose = null;
    socket.onmessage = null;
    events.closed(error);
  };
  socket.onopen = () => {
    timer = setInterval(() => events.alive(), ALIVE_EVERY_MS);
  };
  socket.onmessage = ({ data }: MessageEvent<unknown>) => {
    if (typeof data === "string") events.message(data);
  };
  socket.onclose = ({ wasClean, code }) => {
    end(wasClean ? undefined : new Error(`The tracker's WebSocket was closed (${code}).`));
  };
  return {
    send: (text) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(text);
    },
    close: () => socket.close(1000),
    terminate: () => {
      socket.close();
      end(new Error("The tracker did not answer."));
    },
  };
};
