import { cleanup, setSctpSettings } from "node-datachannel";
import { assert } from "../../core/index.ts";

/**
 * What SCTP may hold below a channel's own queue. Its default of 1 MiB would double the limit on
 * what waits, and would send a `cancel` late.
 */
const SCTP_SEND_BUFFER_BYTES = 256 * 1024;

let users = 0;

/**
 * Says that this process uses the WebRTC library from now on. Each call needs one
 * `releaseWebRtc`.
 */
export function acquireWebRtc(): void {
  users++;
  if (users === 1) setSctpSettings({ sendBufferSize: SCTP_SEND_BUFFER_BYTES });
}

/** Stops the library's threads after its last user; without this a process does not exit. */
export function releaseWebRtc(): void {
  assert(users > 0, "the WebRTC library is released once per use");
  users--;
  if (users === 0) cleanup();
}

/**
 * Makes a callback safe to give to the library, which aborts the process when one throws: an
 * error becomes an ordinary uncaught exception, with its stack.
 */
export function guarded<Arguments extends unknown[]>(
  callback: (...args: Arguments) => void,
): (...args: Arguments) => void {
  return (...args) => {
    try {
      callback(...args);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  };
}
