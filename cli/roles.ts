import { hostname } from "node:os";
import type { Logger } from "pino";
import { StarlingError } from "../core/index.ts";
import type { TlsFiles } from "../ingest/index.ts";
import { dataPaths, localHost, sharedRedisUrl } from "./addresses.ts";
import type { Role } from "./commands.ts";
import type { Config } from "./options.ts";
import { portRefusal } from "./ports.ts";
import type { RunningRole } from "./role-process.ts";

/** To turn a setting in Mbit/s into bytes a second. */
export const BYTES_PER_MEGABIT = 1e6 / 8;

/** Starts a role in this process. Each role's code is loaded only where it runs. */
export const START_ROLE: Readonly<
  Record<Role, (config: Config, log: Logger) => Promise<RunningRole>>
> = {
  ingest: async (config, log) => {
    const { runIngest } = await import("../ingest/index.ts");
    return runIngest({
      ...common(config, log),
      rtmpHost: config.host,
      rtmpPort: config.rtmpPort,
      tls: rtmpsFiles(config),
      srt: config.srt,
      frontSecret: config.frontSecret,
      firstPacketTimeoutMs: config.firstPacketTimeoutS * 1000,
      silenceTimeoutMs: config.silenceTimeoutS * 1000,
      segmentTargetS: config.segmentTargetS,
      retentionCount: config.retentionCount,
      recording: config.record,
      slateFile: config.slate,
      slateMaxMs: config.slateS * 1000,
      thumbnailIntervalMs: config.thumbnailS * 1000,
      diskQuotaBytes: config.diskQuotaGb === undefined ? undefined : config.diskQuotaGb * 1e9,
      bitrateMaxKbps: config.broadcasterMbps * 1000,
      viewerDownlinkKbps: config.viewerDownlinkMbps * 1000,
      renditions: config.renditions,
      ladderCores: config.ladderCores,
      videoEncoder: config.videoEncoder,
      videoEncoderArgs: config.videoEncoderArgs,
    }).catch((error: unknown) => {
      throw portRefusal(error, config.host, config.rtmpPort, "rtmpPort") ?? error;
    });
  },
  encoder: async (config, log) => {
    const { runEncoder } = await import("../encoder/index.ts");
    return runEncoder({
      ...common(config, log),
      threads: config.encoderThreads,
      repairRatio: config.repairRatio,
      symbolBytesTarget: config.symbolBytes,
    });
  },
  signer: async (config, log) => {
    const { runSigner } = await import("../signer/index.ts");
    return runSigner({
      ...common(config, log),
      keyFile: dataPaths(config).manifestKeyFile,
      manifestTtlS: config.manifestTtlS,
    });
  },
  seeder: async (config, log) => {
    const { runSeeder } = await import("../seeder/index.ts");
    return runSeeder({
      ...common(config, log),
      apiUrl: localApiUrl(config),
      bindAddress: config.webrtcAddress,
      totalUploadBytesPerS: config.seederUploadMbps * BYTES_PER_MEGABIT,
      perPeerUploadBytesPerS: config.seederPeerUploadMbps * BYTES_PER_MEGABIT,
      seedersFor: config.seedersFor,
    });
  },
  api: async (config, log) => {
    const { runApi } = await import("../api/index.ts");
    return runApi({
      ...common(config, log),
      host: config.host,
      port: config.httpPort,
      tokenKeyFile: dataPaths(config).tokenKeyFile,
      playlistWindow: config.playlistWindow,
      offlineAfterMs: config.offlineAfterS * 1000,
      publicUrl: config.publicUrl,
      tokenTtlS: config.tokenTtlS,
      tokensPerMinute: config.tokensPerMinute,
      joinWork: config.joinWork,
      joinsPerSecond: config.joinsPerSecond,
      region: config.region,
      p2p: config.p2p,
      seedersFor: config.seedersFor,
      trackerConnectionsPerAddressMax: config.peersPerAddress,
      webhookPrivate: config.webhookPrivate,
      trustedProxies: config.trustedProxies,
      iceServers: config.iceServer ?? [],
    }).catch((error: unknown) => {
      throw portRefusal(error, config.host, config.httpPort, "httpPort") ?? error;
    });
  },
};

/** Throws StarlingError "rtmps-certificate" when one of the two is missing. */
function rtmpsFiles({ rtmpsCert: certFile, rtmpsKey: keyFile }: Config): TlsFiles | undefined {
  if (certFile !== undefined && keyFile !== undefined) return { certFile, keyFile };
  if (certFile === undefined && keyFile === undefined) return undefined;
  throw new StarlingError(
    "rtmps-certificate",
    "RTMPS needs a certificate and its key: give both --rtmps-cert and --rtmps-key.",
  );
}

function common(config: Config, log: Logger) {
  return {
    redisUrl: sharedRedisUrl(config),
    mediaRoot: dataPaths(config).media,
    log,
    instance: `${hostname()}-${process.pid}`,
  };
}

/** Where the API is, seen from this machine. */
export function localApiUrl(config: Pick<Config, "apiUrl" | "host" | "httpPort">): string {
  return config.apiUrl ?? `http://${localHost(config.host)}:${config.httpPort}`;
}
