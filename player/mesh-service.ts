import {
  browserCrypto,
  encodeMessage,
  errorCode,
  instantMs,
  loadBestKernel,
  StarlingError,
} from "../core/index.ts";
import { type Output, uploadBudget } from "../mesh/index.ts";
import {
  abortableDelay,
  BackOff,
  type Connector,
  createIdentity,
  createPortConnector,
  isFinalRefusal,
  JoinPermits,
  MeshSession,
  silentLog,
} from "../peer/index.ts";
import { openTrackerSocket } from "./browser-socket.ts";
import { solveJoinPuzzle } from "./join-puzzle.ts";
import type { FromMesh, MeshOrder, MeshReport, TokenOrder, ToMesh } from "./mesh-messages.ts";
import { NeighbourRates } from "./neighbour-rates.ts";

const REPORT_EVERY_MS = 250;

/**
 * A peer of a mesh for the page at the other end of `control`: verification, decoding and all timers are
 * in this thread, connections in that one, by `connections`. It does what `control` says until "close", or gets a token.
 */
export function serveMesh(control: MessagePort, connections: MessagePort): void {
  const service = new MeshService(control, connections);
  control.onmessage = ({ data }: MessageEvent<ToMesh>) => service.take(data);
  service.tell({ kind: "running" });
}

class MeshService {
  readonly #control: MessagePort;
  readonly #connector: Connector;
  readonly #stop = new AbortController();
  readonly #rates = new NeighbourRates();
  #session: MeshSession | undefined;
  #toldToken: string | undefined;
  #followed = { rendition: 0, sequence: 0 };

  constructor(control: MessagePort, connections: MessagePort) {
    this.#control = control;
    // One session may follow another: the port outlives them.
    this.#connector = { ...createPortConnector(connections), release: () => undefined };
  }

  take(message: ToMesh): void {
    if (message.kind === "token") void this.#fetchToken(message.order);
    else if (message.kind === "open") {
      this.#followed = { rendition: message.order.rendition, sequence: 0 };
      void this.#run(message.order);
    } else if (message.kind === "follow") {
      const { rendition, sequence } = message;
      this.#followed = { rendition, sequence };
      this.#session?.driver.input({ kind: "follow", renditions: [this.#followed] });
    } else if (message.kind === "close") this.#stop.abort();
    else if (message.kind === "stats") this.#session?.report(message.stats);
    else this.#session?.driver.input(message);
  }

  tell(message: FromMesh, transfer: Transferable[] = []): void {
    this.#control.postMessage(message, transfer);
  }

  /** Joins the mesh, and joins it again after trouble, until "close". */
  async #run(order: MeshOrder): Promise<void> {
    const farewell = encodeMessage({ type: "bye", code: "leaving", reason: "" });
    this.tell({ kind: "farewell", message: farewell });
    await loadBestKernel();
    const { signal } = this.#stop;
    const backOff = new BackOff();
    while (!signal.aborted) {
      try {
        await this.#watch(order, signal);
        backOff.reset();
      } catch (error) {
        if (signal.aborted || this.#tellError(error)) break;
      }
      await abortableDelay(backOff.next(), signal);
    }
    this.tell({ kind: "closed" });
  }

  /** Says whether it is of no use to try again. */
  #tellError(error: unknown): boolean {
    const code = errorCode(error) ?? "unexpected";
    const detail = error instanceof StarlingError ? error.message : String(error);
    const isFinal = isFinalRefusal(code);
    this.tell({ kind: "error", code, detail, isFinal });
    return isFinal;
  }

  async #fetchToken(order: TokenOrder): Promise<void> {
    const { id: peer } = createIdentity(browserCrypto);
    const platform = { crypto: browserCrypto, solveJoinPuzzle };
    const permits = new JoinPermits({ ...order, peer, role: "viewer", platform });
    try {
      const { token } = await permits.current(this.#stop.signal);
      this.tell({ kind: "token", token });
    } catch (error) {
      this.#tellError(error);
    }
    this.tell({ kind: "closed" });
  }

  async #watch(order: MeshOrder, signal: AbortSignal): Promise<void> {
    const { uploadBytesPerS, cacheBytesMax, maxDelayMs, rendition: _, ...rest } = order;
    const session = await MeshSession.open(
      {
        ...rest,
        platform: {
          crypto: browserCrypto,
          openTrackerSocket,
          solveJoinPuzzle,
          createConnector: () => this.#connector,
        },
        role: "viewer",
        log: silentLog,
        uploads: uploadBudget(instantMs(Date.now()), uploadBytesPerS),
        limits: { perPeerUploadBytesPerS: uploadBytesPerS, cacheBytesMax, maxDelayMs },
        onOutput: (output) => this.#output(output),
      },
      signal,
    );
    this.#session = session;
    this.#report(session);
    session.driver.input({ kind: "follow", renditions: [this.#followed] });
    const reporting = setInterval(() => this.#report(session), REPORT_EVERY_MS);
    try {
      await session.run(signal);
    } finally {
      clearInterval(reporting);
      this.#report(session);
    }
  }

  /** Tells of what is the page's business; the rest is the session's own. */
  #output(output: Output): void {
    const { kind } = output;
    if (kind === "block") {
      const bytes = output.bytes.slice(); // The mesh serves its own to others.
      this.tell({ ...output, bytes }, [bytes.buffer]);
    } else if (
      kind === "manifest" ||
      kind === "missing" ||
      kind === "ready" ||
      kind === "rejected"
    ) {
      this.tell(output);
    }
  }

  #report(session: MeshSession): void {
    const { mesh } = session.driver;
    const { fromViewersBytes, fromSeedsBytes, uploadedBytes, blocks, missing, rejected } =
      mesh.stats;
    const { neighbours, capacityBytesPerS } = mesh.health(session.now());
    this.#rates.look(session.now(), session.driver.traffic());
    const report: MeshReport = {
      ...{ fromPeersBytes: fromViewersBytes, fromSeedsBytes, uploadedBytes, blocks, missing },
      fetchedBytes: session.fetchedBytes,
      rejected: Object.fromEntries(rejected),
      neighbours: neighbours.map((one) => ({ ...one, ...this.#rates.of(one.id) })),
      uploadBytesPerSMax: capacityBytesPerS,
    };
    this.tell({ kind: "report", report });
    const { token } = session;
    if (token !== this.#toldToken) this.tell({ kind: "token", token });
    this.#toldToken = token;
  }
}
