export { type CodedSegment, codeBlock } from "./block-coding.ts";
export { type Encoder, type EncoderOptions, runEncoder } from "./encoder.ts";
