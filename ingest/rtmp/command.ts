import { StarlingError } from "../../core/index.ts";
import { type Amf0Object, type Amf0Value, decodeAmf0, encodeAmf0 } from "./amf0.ts";
import { MESSAGE_TYPE, type RtmpMessage } from "./message.ts";

/** The one message stream of a connection: a publisher needs no second. */
export const PUBLISH_STREAM = 1;

/** A remote procedure call of a client (RTMP 1.0 section 7.2). */
export interface Command {
  readonly name: string;
  readonly transaction: number;
  /** The command object, then the arguments. */
  readonly values: readonly Amf0Value[];
}

/**
 * The command in a message of type 20, or of type 17 (which every encoder fills with AMF0 after one
 * zero byte). Throws StarlingError "amf0-..." or "rtmp-command".
 */
export function parseCommand({ type, payload }: RtmpMessage): Command {
  const [name, transaction, ...values] = decodeAmf0(
    type === MESSAGE_TYPE.commandAmf3 && payload[0] === 0 ? payload.subarray(1) : payload,
  );
  if (typeof name !== "string" || typeof transaction !== "number") {
    throw new StarlingError("rtmp-command", "A command has no name or no transaction number.");
  }
  return { name, transaction, values };
}

/** A member of the command object of `connect`; undefined when absent or not a text. */
export function textMember(value: Amf0Value, name: string): string | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const member =
    value instanceof Map
      ? value.get(name)
      : Object.entries(value).find(([key]) => key === name)?.[1];
  return typeof member === "string" ? member : undefined;
}

/** The good answer to a call. */
export function result(transaction: number, ...values: readonly Amf0Value[]): RtmpMessage {
  return command(0, "_result", transaction, ...values);
}

/** The good answer to `connect` (section 7.2.1.1). */
export function connectAccepted(transaction: number): RtmpMessage {
  return result(
    transaction,
    { fmsVer: "FMS/3,0,1,123", capabilities: 31 },
    {
      ...information("status", "NetConnection.Connect.Success", "Connection succeeded."),
      objectEncoding: 0,
    },
  );
}

/** The bad answer to `connect`, with a reason that the broadcaster can read. */
export function connectRejected(transaction: number, description: string): RtmpMessage {
  const reason = information("error", "NetConnection.Connect.Rejected", description);
  return command(0, "_error", transaction, null, reason);
}

/** What older encoders wait for after FCPublish. */
export function onFcPublish(): RtmpMessage {
  const reason = information("status", "NetStream.Publish.Start", "The stream name is noted.");
  return command(0, "onFCPublish", 0, null, reason);
}

/** The good answer to `publish` (section 7.2.2.6). */
export function publishStarted(): RtmpMessage {
  return onStatus("status", "NetStream.Publish.Start", "The stream is being received.");
}

/** The bad answer to `publish`, with a reason that the broadcaster can read. */
export function publishDenied(description: string): RtmpMessage {
  return onStatus("error", "NetStream.Publish.Denied", description);
}

function onStatus(level: "status" | "error", code: string, description: string): RtmpMessage {
  return command(PUBLISH_STREAM, "onStatus", 0, null, information(level, code, description));
}

function information(level: string, code: string, description: string): Amf0Object {
  return { level, code, description };
}

function command(
  messageStream: number,
  name: string,
  transaction: number,
  ...values: readonly Amf0Value[]
): RtmpMessage {
  const payload = encodeAmf0(name, transaction, ...values);
  return { type: MESSAGE_TYPE.commandAmf0, messageStream, timestampMs: 0, payload };
}
