/** Message type ids of RTMP 1.0 sections 5.4 and 7.1. */
export const MESSAGE_TYPE = {
  setChunkSize: 1,
  abort: 2,
  acknowledgement: 3,
  userControl: 4,
  windowAcknowledgementSize: 5,
  setPeerBandwidth: 6,
  audio: 8,
  video: 9,
  dataAmf3: 15,
  commandAmf3: 17,
  dataAmf0: 18,
  commandAmf0: 20,
  aggregate: 22,
} as const;

/** One RTMP message, put together from its chunks or to be cut into them. */
export interface RtmpMessage {
  readonly type: number;
  /** 0 for the connection itself; the number that createStream gave otherwise. */
  readonly messageStream: number;
  /** Milliseconds modulo 2^32. */
  readonly timestampMs: number;
  readonly payload: Uint8Array;
}

/** Which chunk stream our messages use: 2 is fixed by section 5.4, the others are custom. */
export const CHUNK_STREAM = { control: 2, command: 3, status: 5 } as const;

const STREAM_BEGIN = 0;
const PING_REQUEST = 6;
const PING_RESPONSE = 7;
const LIMIT_TYPE_DYNAMIC = 2;

/** Section 5.4.1: from the next chunk on, our chunks carry up to `byteLength` bytes. */
export function setChunkSize(byteLength: number): RtmpMessage {
  return control(MESSAGE_TYPE.setChunkSize, uint32(byteLength));
}

/** Section 5.4.3: we have received `byteLength` bytes so far, modulo 2^32. */
export function acknowledgement(byteLength: number): RtmpMessage {
  return control(MESSAGE_TYPE.acknowledgement, uint32(byteLength));
}

/** Section 5.4.4: we want an acknowledgement at least every `byteLength` bytes. */
export function windowAcknowledgementSize(byteLength: number): RtmpMessage {
  return control(MESSAGE_TYPE.windowAcknowledgementSize, uint32(byteLength));
}

/** Section 5.4.5: the peer may have `byteLength` unacknowledged bytes on the way. */
export function setPeerBandwidth(byteLength: number): RtmpMessage {
  return control(
    MESSAGE_TYPE.setPeerBandwidth,
    Uint8Array.of(...uint32(byteLength), LIMIT_TYPE_DYNAMIC),
  );
}

/** Section 7.1.7: a message stream is ready for use. */
export function streamBegin(messageStream: number): RtmpMessage {
  return control(
    MESSAGE_TYPE.userControl,
    Uint8Array.of(0, STREAM_BEGIN, ...uint32(messageStream)),
  );
}

/** The answer to a user control message, when it is a ping (section 7.1.7). */
export function pingResponse(userControl: Uint8Array): RtmpMessage | undefined {
  if (userControl[0] !== 0 || userControl[1] !== PING_REQUEST || userControl.length < 6) {
    return undefined;
  }
  return control(
    MESSAGE_TYPE.userControl,
    Uint8Array.of(0, PING_RESPONSE, ...userControl.subarray(2, 6)),
  );
}

/** The big-endian number that every protocol control message starts with; 0 when it is cut short. */
export function controlValue(payload: Uint8Array): number {
  if (payload.length < 4) return 0;
  return new DataView(payload.buffer, payload.byteOffset).getUint32(0);
}

function control(type: number, payload: Uint8Array): RtmpMessage {
  return { type, messageStream: 0, timestampMs: 0, payload };
}

function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}
