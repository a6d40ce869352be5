import { randomUUID } from "node:crypto";
import type { Express } from "express";
import type { Redis } from "ioredis";
import {
  BlockStore,
  ManifestLog,
  type SigningKey,
  StreamRegistry,
  Timeline,
} from "../pipeline/index.ts";
import { AccessControl } from "./access-control.ts";
import { Admission } from "./admission.ts";
import type { ResolvedOptions } from "./api-options.ts";
import { createApp } from "./app.ts";
import { AuditLog } from "./audit-log.ts";
import { contentKeyRoutes } from "./content-key-routes.ts";
import { doctorRoutes } from "./doctor-routes.ts";
import { Equivocations } from "./equivocations.ts";
import { frontRoutes } from "./front-routes.ts";
import { healthRoutes } from "./health-routes.ts";
import { inquiryRoutes } from "./inquiry-routes.ts";
import { JoinDoor } from "./join-door.ts";
import { keyRoutes } from "./key-routes.ts";
import { liveRoutes } from "./live-routes.ts";
import { LiveStreams } from "./live-streams.ts";
import { createMetrics } from "./metrics.ts";
import { OriginOverview } from "./origin-overview.ts";
import { pageRoutes } from "./page-routes.ts";
import { PeerDirectory } from "./peer-directory.ts";
import { PeerPost } from "./peer-post.ts";
import { RateLimiter } from "./rate-limiter.ts";
import { recordingRoutes } from "./recording-routes.ts";
import { statusRoutes } from "./status-routes.ts";
import { streamRoutes } from "./stream-routes.ts";
import { tokenRoutes } from "./token-routes.ts";
import { Tracker, trackerRoute } from "./tracker.ts";
import { TrafficLedger } from "./traffic-ledger.ts";
import { TrustedKeys } from "./trusted-keys.ts";
import { WebhookDelivery } from "./webhook-delivery.ts";
import { webhookRoutes } from "./webhook-routes.ts";
import { WebhookWatch } from "./webhook-watch.ts";
import { Webhooks } from "./webhooks.ts";

/** The parts of one API process, joined. */
export interface Assembly {
  readonly app: Express;
  readonly tracker: Tracker;
  readonly overview: OriginOverview;
  close(): Promise<void>;
}

/** Makes the parts and joins them; the only place that knows them all. */
export async function assemble(
  options: ResolvedOptions,
  redis: Redis,
  key: SigningKey,
): Promise<Assembly> {
  const { log, mediaRoot } = options;
  const registry = new StreamRegistry(redis);
  const timeline = new Timeline(redis);
  const access = new AccessControl(redis);
  const audit = new AuditLog(redis);
  const metrics = createMetrics();
  const trusted = new TrustedKeys(redis);
  const directory = new PeerDirectory(redis);
  const traffic = new TrafficLedger(redis, log);
  const live = new LiveStreams(registry, timeline, options);
  const overview = new OriginOverview({ redis, registry, live, directory, traffic });
  const admission = new Admission(trusted, directory, options.region);
  const equivocations = new Equivocations({ redis, trusted, metrics, log });
  const post = new PeerPost(redis, randomUUID());
  const tracker = new Tracker(
    { registry, admission, directory, post, equivocations, traffic, metrics, log },
    {
      ...options,
      connectionsMax: options.trackerConnectionsMax,
      connectionsPerAddressMax: options.trackerConnectionsPerAddressMax,
    },
  );
  const isPrivateAllowed = options.webhookPrivate;
  const webhooks = new Webhooks(redis, { isPrivateAllowed });
  const delivery = new WebhookDelivery({ redis, webhooks, isPrivateAllowed, log });
  const watch = new WebhookWatch({ redis, overview, webhooks, log });
  const routes = [
    ...streamRoutes({ registry, timeline, store: new BlockStore(mediaRoot), traffic }),
    ...doctorRoutes({ redis, registry }),
    ...recordingRoutes({ registry, live, mediaRoot }),
    ...frontRoutes(registry),
    ...tokenRoutes({
      ...options,
      ...{ registry, access, key, trusted, directory, tracker, metrics },
      door: new JoinDoor(redis, options),
      limiter: new RateLimiter(redis, "tokens"),
    }),
    ...keyRoutes(redis),
    ...webhookRoutes(webhooks),
    ...inquiryRoutes({ redis, audit, equivocations }),
    trackerRoute(),
    ...liveRoutes({
      live,
      timeline,
      manifests: new ManifestLog(redis),
      mediaRoot,
      traffic,
      metrics,
    }),
    ...contentKeyRoutes({ registry, access, trusted, directory }),
    ...statusRoutes(overview),
    ...healthRoutes({ ...options, redis, metrics, overview }),
    ...pageRoutes(options.staticDir),
  ];
  await tracker.open();
  return {
    app: createApp(routes, { ...options, redis, registry, access, audit, metrics }),
    tracker,
    overview,
    close: async () => {
      const parts = [tracker, traffic, overview, watch, delivery];
      await Promise.all(parts.map((part) => part.close()));
    },
  };
}
