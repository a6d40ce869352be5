import { browserCrypto } from "../core/index.ts";
import type { Platform } from "../peer/index.ts";
import { type BrowserConnectorOptions, createBrowserConnector } from "./browser-connector.ts";
import { openTrackerSocket } from "./browser-socket.ts";

/** What a peer needs of a browser. */
export function browserPlatform(options: BrowserConnectorOptions): Platform {
  return {
    crypto: browserCrypto,
    openTrackerSocket,
    createConnector: () => createBrowserConnector(options),
  };
}
