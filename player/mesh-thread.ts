import { ConnectionHost } from "../peer/index.ts";
import { createBrowserConnector } from "./browser-connector.ts";
import type { FromMesh, ToMesh } from "./mesh-messages.ts";

/** How long a worker may take until its code runs, before the page's own thread is taken. */
const START_MS_MAX = 10_000;

export interface MeshThreadOptions {
  /** Where `mesh.worker.js` is; by default beside this module. */
  readonly workerUrl: string | undefined;
  readonly relayOnly: boolean | undefined;
  readonly onMessage: (message: FromMesh) => void;
}

/** The thread of a peer, and its connections, which live in the page. */
export interface MeshThread {
  readonly isWorker: boolean;
  readonly connections: ConnectionHost;
  tell(message: ToMesh, transfer?: Transferable[]): void;
  /** Frees all of it at once. */
  end(): void;
}

/**
 * Starts the code of a peer: in a worker, or in the page where its policy or the browser allows no worker.
 * Throws what the import of the code throws when that does not come either.
 */
export async function startMeshThread(options: MeshThreadOptions): Promise<MeshThread> {
  try {
    return await startInWorker(options);
  } catch {
    const ends = connect(options);
    const { serveMesh } = await import("./mesh-service.ts");
    serveMesh(...ends.far);
    return { ...ends.thread, isWorker: false };
  }
}

async function startInWorker(options: MeshThreadOptions): Promise<MeshThread> {
  const { worker, forget } = openWorker(options.workerUrl);
  let isRunning: () => void = () => undefined;
  const { thread, far } = connect({
    ...options,
    onMessage: (message) => {
      isRunning();
      options.onMessage(message);
    },
  });
  const end = (): void => {
    thread.end();
    worker.terminate();
  };
  try {
    await new Promise<void>((resolve, reject) => {
      isRunning = resolve;
      worker.onerror = reject;
      setTimeout(reject, START_MS_MAX);
      worker.postMessage(undefined, far);
    });
  } catch (error) {
    end();
    throw error;
  } finally {
    forget();
  }
  worker.onerror = ({ message }) => {
    const detail = `The worker of the mesh failed: ${message}`;
    options.onMessage({ kind: "error", code: "mesh-failed", detail, isFinal: true });
    options.onMessage({ kind: "closed" });
  };
  return { ...thread, end, isWorker: true };
}

/** Makes both ends of the two ports between a page and the thread of its peer. */
function connect({ relayOnly, onMessage }: MeshThreadOptions): {
  readonly thread: Omit<MeshThread, "isWorker">;
  readonly far: [MessagePort, MessagePort];
} {
  const control = new MessageChannel();
  const connections = new MessageChannel();
  const host = new ConnectionHost(connections.port1, createBrowserConnector({ relayOnly }));
  control.port1.onmessage = ({ data }: MessageEvent<FromMesh>) => onMessage(data);
  const thread = {
    connections: host,
    tell: (message: ToMesh, transfer: Transferable[] = []) => {
      control.port1.postMessage(message, transfer);
    },
    end: () => {
      host.close();
      control.port1.close();
    },
  };
  return { thread, far: [control.port2, connections.port2] };
}

/** A script of another site runs as a worker only from a script of one's own: a blob that imports it. */
function openWorker(workerUrl: string | undefined): { worker: Worker; forget: () => void } {
  const url =
    workerUrl === undefined
      ? new URL("./mesh.worker.js", import.meta.url)
      : new URL(workerUrl, document.baseURI);
  if (url.origin === location.origin) {
    return { worker: new Worker(url, { type: "module" }), forget: () => undefined };
  }
  const code = new Blob([`import ${JSON.stringify(url.href)};`], { type: "text/javascript" });
  const blobUrl = URL.createObjectURL(code);
  return {
    worker: new Worker(blobUrl, { type: "module" }),
    forget: () => URL.revokeObjectURL(blobUrl),
  };
}
