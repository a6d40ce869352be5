/** What of the core runs on Node.js only. */
export { nodeCrypto } from "./node-crypto.ts";
