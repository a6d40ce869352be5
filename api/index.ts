export type { ApiOptions } from "./api-options.ts";
export { type RunningApi, runApi } from "./run-api.ts";
export { TRACKER_PATH } from "./tracker.ts";
