/** One viewer of the comparison: the same hls.js with the same settings, and one of three ways to get media. */
import Hls, { type HlsConfig } from "hls.js";
import { createStarling } from "../../player/index.ts";

/** What the page is told in its address. */
interface Order {
  readonly mode: "hls.js" | "p2p-media-loader" | "starling";
  readonly src: string;
  readonly latencyS: number;
  readonly tracker: string;
}

/** What the rival's bundle leaves behind. */
interface Rival {
  readonly HlsJsP2PEngine: { injectMixin(hlsClass: typeof Hls): typeof Hls };
}

type ChunkListener = (byteLength: number, source: "http" | "p2p") => void;

interface RivalHls {
  readonly p2pEngine: {
    addEventListener(name: "onChunkDownloaded", listener: ChunkListener): void;
  };
}

const query = new URLSearchParams(location.search);
const order: Order = {
  mode: query.get("mode") as Order["mode"],
  src: query.get("src") ?? "",
  latencyS: Number(query.get("latencyS")),
  tracker: query.get("tracker") ?? "",
};
const openedAtMs = performance.now();
const counts = { playedBytes: 0, fromPeersBytes: 0, fromSeedsBytes: 0, fromHttpBytes: 0 };
let startupMs: number | undefined;
let stalls = 0;

const config: Partial<HlsConfig> = {
  liveSyncDuration: order.latencyS,
  maxLiveSyncPlaybackRate: 1.05,
  backBufferLength: 30,
};

function create(): Hls {
  if (order.mode === "p2p-media-loader") {
    const { HlsJsP2PEngine } = globalThis as unknown as Rival;
    const core = {
      announceTrackers: [order.tracker],
      swarmId: "bench",
      rtcConfig: {},
      // By default it asks HTTP for all that is needed within 15 s: more than any of these buffers holds.
      highDemandTimeWindow: order.latencyS / 2,
    };
    const p2p = { core };
    const RivalClass = HlsJsP2PEngine.injectMixin(Hls);
    const made = new RivalClass({ ...config, p2p } as Partial<HlsConfig>);
    (made as unknown as RivalHls).p2pEngine.addEventListener(
      "onChunkDownloaded",
      (byteLength, source) => {
        if (source === "p2p") counts.fromPeersBytes += byteLength;
        else counts.fromHttpBytes += byteLength;
      },
    );
    return made;
  }
  return new Hls(config);
}

const hls = create();
const starling = order.mode === "starling" ? createStarling(hls) : undefined;
const video = document.createElement("video");
video.muted = true;
document.body.append(video);
video.addEventListener("timeupdate", () => {
  if (video.currentTime > 0 && !video.seeking) startupMs ??= performance.now() - openedAtMs;
});
video.addEventListener("waiting", () => {
  if (startupMs !== undefined && !video.seeking) stalls++;
});
hls.on(Hls.Events.FRAG_LOADED, (_event, { frag, payload }) => {
  if (frag.sn === "initSegment") return;
  counts.playedBytes += payload.byteLength;
  if (order.mode === "hls.js") counts.fromHttpBytes += payload.byteLength;
});
hls.on(Hls.Events.MANIFEST_PARSED, () => void video.play());
hls.attachMedia(video);
hls.loadSource(order.src);

Object.assign(globalThis, {
  readViewer: () => {
    const { fromPeersBytes, fromSeedsBytes, fromHttpBytes } = starling?.stats() ?? counts;
    return {
      ...{ fromPeersBytes, fromSeedsBytes, fromHttpBytes, stalls },
      playedBytes: counts.playedBytes,
      startupMs: startupMs ?? null,
      latencyS: hls.latency,
    };
  },
});
