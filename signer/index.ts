export { signBlock } from "./manifest-signing.ts";
export { runSigner, type Signer, type SignerOptions } from "./signer.ts";
export { loadSigningKey, type SigningKey } from "./signing-key.ts";
