import { encodeAmf0 } from "./amf0.ts";
import { MESSAGE_TYPE, type RtmpMessage } from "./message.ts";

const SET_DATA_FRAME = encodeAmf0("@setDataFrame");
const CLEAR_DATA_FRAME = encodeAmf0("@clearDataFrame");

/**
 * The payload of the FLV script tag for a data message: without the `@setDataFrame` that is meant
 * for the server. Undefined when the message is for the server alone.
 */
export function scriptPayload({ type, payload }: RtmpMessage): Uint8Array | undefined {
  const bytes = type === MESSAGE_TYPE.dataAmf3 && payload[0] === 0 ? payload.subarray(1) : payload;
  if (bytes.length === 0 || startsWith(bytes, CLEAR_DATA_FRAME)) return undefined;
  return startsWith(bytes, SET_DATA_FRAME) ? bytes.subarray(SET_DATA_FRAME.length) : bytes;
}

function startsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
  return prefix.every((byte, index) => bytes[index] === byte);
}
