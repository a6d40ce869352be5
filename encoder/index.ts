export { type BlockCoding, codeBlock, type PaddedBlock } from "./block-coding.ts";
export { BlockMemory } from "./block-memory.ts";
export { type Encoder, type EncoderOptions, runEncoder } from "./encoder.ts";
