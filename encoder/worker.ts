import { constants, setPriority } from "node:os";
import { parentPort, workerData } from "node:worker_threads";
import { assert } from "../core/index.ts";
import { type EncodeLoopOptions, startEncodeLoop } from "./encode-loop.ts";
import { threadLog } from "./thread-log.ts";

/** The entry of a coding thread: runs an encode loop until it is told to close. */

const port = parentPort;
assert(port !== null, "this file runs as a worker thread");
// On a full machine coding gives way to those who answer at once: the API, RTMP and Redis.
setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
const loop = startEncodeLoop(workerData as EncodeLoopOptions, threadLog(port));
// Listening on the port keeps the thread alive, until this one message.
port.once("message", () => void loop.close());
