import type { FromMesh } from "./mesh-messages.ts";
import { startMeshThread } from "./mesh-thread.ts";

export interface LoneTokenOptions {
  readonly apiUrl: string;
  readonly stream: string;
  readonly tokenUrl?: string | undefined;
  /** Where `mesh.worker.js` is; by default beside this module. */
  readonly workerUrl?: string | undefined;
}

/**
 * A join token for a page that is in no mesh: the peer's code does the work for it, in its thread, and ends. Rejects
 * with an Error that names the refusal.
 */
export async function fetchLoneToken(options: LoneTokenOptions): Promise<string> {
  const { apiUrl, stream, tokenUrl, workerUrl } = options;
  let take: (message: FromMesh) => void = () => undefined;
  const told = new Promise<string>((resolve, reject) => {
    take = (message) => {
      if (message.kind === "token") resolve(message.token);
      else if (message.kind === "error") reject(new Error(`${message.code}: ${message.detail}`));
    };
  });
  const thread = await startMeshThread({
    ...{ workerUrl, relayOnly: undefined },
    onMessage: (message) => take(message),
  });
  const absolute = (url: string): string => new URL(url, document.baseURI).href;
  const order = {
    apiUrl: absolute(apiUrl),
    stream,
    tokenUrl: tokenUrl === undefined ? undefined : absolute(tokenUrl),
  };
  thread.tell({ kind: "token", order });
  try {
    return await told;
  } finally {
    thread.end();
  }
}
