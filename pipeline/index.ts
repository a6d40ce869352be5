export {
  API_KEY_PER_MINUTE,
  API_KEYS_MAX,
  API_SCOPES,
  type ApiKey,
  ApiKeys,
  type ApiScope,
} from "./api-keys.ts";
export { BlockStore, type CodedBlock } from "./block-store.ts";
export { ChildLogs } from "./child-logs.ts";
export { startHeartbeat } from "./heartbeat.ts";
export { internalKey } from "./internal-key.ts";
export { JobMeter, type JobStats, quantile } from "./job-meter.ts";
export { certifyKey, jwksSchema, publishKey, readJwks, retractKey } from "./key-directory.ts";
export { LOG_START, type LogEntry, ManifestLog } from "./manifest-log.ts";
export {
  isRunOf,
  LEASE_MS,
  type Publisher,
  type PublishSession,
  PublishSessions,
  runName,
} from "./publish-sessions.ts";
export {
  createEncodeQueue,
  createEncodeWorker,
  createSignQueue,
  createSignWorker,
  createWebhookQueue,
  createWebhookWorker,
  type DeadJob,
  deadJobs,
  type EncodeJob,
  type EncodeQueue,
  enqueueEncode,
  enqueueSign,
  enqueueWebhook,
  type SignJob,
  type SignQueue,
  WEBHOOK_EVENTS,
  type WebhookJob,
  type WebhookQueue,
  type WorkerChoices,
} from "./queues.ts";
export { type Recording, type RecordingFile, Recordings } from "./recordings.ts";
export { enqueueUnsigned } from "./recovery.ts";
export { connectRedis } from "./redis-connection.ts";
export { RedisScript } from "./redis-script.ts";
export { type RedisServer, startRedisServer } from "./redis-server.ts";
export { REPORT_INTERVAL_MS, REPORT_TTL_MS, type RoleReport, RoleStatus } from "./role-status.ts";
export { ScratchRedis } from "./scratch-redis.ts";
export { type ContentKey, contentKeyOf, encryptFile } from "./segment-cipher.ts";
export type { MediaFormat, NewSegment, SegmentRecord } from "./segment-record.ts";
export { loadRootKey, loadSigningKey, type RootKey, type SigningKey } from "./signing-key.ts";
export {
  DVR_MAX_S,
  ORIGINS_MAX,
  STREAMS_MAX,
  type Stream,
  type StreamChoices,
  StreamRegistry,
} from "./stream-registry.ts";
export { thumbnailPath } from "./thumbnail.ts";
export { newestLasting, type SegmentRecords, TIMELINE_RECORDS_MAX, Timeline } from "./timeline.ts";
export { type LineSurvey, ViewerLines } from "./viewer-lines.ts";
