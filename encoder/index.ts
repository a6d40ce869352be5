export { type Encoder, type EncoderOptions, runEncoder } from "./encoder.ts";
