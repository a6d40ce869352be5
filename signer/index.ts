export { signBlock } from "./manifest-signing.ts";
export { merkleTreeOf } from "./merkle-tree.ts";
export { runSigner, type Signer, type SignerOptions } from "./signer.ts";
