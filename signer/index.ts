export { signBlock } from "./manifest-signing.ts";
export { runSigner, type Signer, type SignerOptions } from "./signer.ts";
