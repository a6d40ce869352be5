export { runSigner, type Signer, type SignerOptions } from "./signer.ts";
