export { type PublishTestSettings, publishTestArguments } from "./ffmpeg-command.ts";
export { type Ingest, type IngestOptions, runIngest } from "./ingest.ts";
export type { IngestStatus, PublicationStatus } from "./publication-status.ts";
export type { TlsFiles } from "./rtmp/tls-door.ts";
export type { SrtDoor } from "./srt-command.ts";
