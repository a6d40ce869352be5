import { concatBytes, StarlingError, utf8 } from "../../core/index.ts";

/** Objects and arrays inside one another; real encoders nest two deep. */
export const AMF0_DEPTH_MAX = 16;
/** Values in one message, counting members; a long onMetaData has about thirty. */
export const AMF0_VALUES_MAX = 1024;

/** An anonymous object (AMF0 section 2.5). Decoded ones have no prototype. */
export interface Amf0Object {
  readonly [name: string]: Amf0Value;
}

/** What AMF0 can say here. A Map is an ECMA array (section 2.10), an array a strict one (2.12). */
export type Amf0Value =
  | number
  | boolean
  | string
  | null
  | undefined
  | Date
  | readonly Amf0Value[]
  | ReadonlyMap<string, Amf0Value>
  | Amf0Object;

const NUMBER = 0x00;
const BOOLEAN = 0x01;
const STRING = 0x02;
const OBJECT = 0x03;
const NULL = 0x05;
const UNDEFINED = 0x06;
const ECMA_ARRAY = 0x08;
const OBJECT_END = 0x09;
const STRICT_ARRAY = 0x0a;
const DATE = 0x0b;
const LONG_STRING = 0x0c;
const SHORT_STRING_BYTES_MAX = 0xff_ff;

/**
 * All values of an AMF0 byte string (Adobe AMF0 specification, December 2007), to its end.
 * Throws StarlingError "amf0-truncated", "amf0-marker" or "amf0-limit".
 */
export function decodeAmf0(bytes: Uint8Array): Amf0Value[] {
  const decoder = new Amf0Decoder(bytes);
  const values: Amf0Value[] = [];
  while (!decoder.atEnd) values.push(decoder.value(0));
  return values;
}

class Amf0Decoder {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;
  #values = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get atEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  value(depth: number): Amf0Value {
    if (depth > AMF0_DEPTH_MAX || ++this.#values > AMF0_VALUES_MAX) {
      throw new StarlingError(
        "amf0-limit",
        `An AMF0 message nests deeper than ${AMF0_DEPTH_MAX} or holds more than ${AMF0_VALUES_MAX} values.`,
      );
    }
    const marker = this.#view.getUint8(this.#take(1));
    switch (marker) {
      case NUMBER:
        return this.#view.getFloat64(this.#take(8));
      case BOOLEAN:
        return this.#view.getUint8(this.#take(1)) !== 0;
      case STRING:
        return this.#shortString();
      case LONG_STRING:
        return this.#string(this.#view.getUint32(this.#take(4)));
      case OBJECT:
        return objectOf(this.#members(depth));
      case ECMA_ARRAY:
        this.#take(4); // The count is a hint that encoders get wrong; the end marker decides.
        return this.#members(depth);
      case STRICT_ARRAY:
        return this.#strictArray(depth);
      case DATE:
        return this.#date();
      case NULL:
        return null;
      case UNDEFINED:
        return undefined;
      default:
        throw new StarlingError(
          "amf0-marker",
          `AMF0 type marker 0x${marker.toString(16)} is not one that RTMP commands use.`,
        );
    }
  }

  #members(depth: number): Map<string, Amf0Value> {
    const members = new Map<string, Amf0Value>();
    for (;;) {
      const name = this.#shortString();
      if (name === "" && this.#bytes[this.#at] === OBJECT_END) {
        this.#at += 1;
        return members;
      }
      members.set(name, this.value(depth + 1));
    }
  }

  #strictArray(depth: number): Amf0Value[] {
    const count = this.#view.getUint32(this.#take(4));
    const items: Amf0Value[] = [];
    for (let index = 0; index < count; index++) items.push(this.value(depth + 1));
    return items;
  }

  #date(): Date {
    const date = new Date(this.#view.getFloat64(this.#take(8)));
    this.#take(2); // A time zone that section 2.13 reserves and says to ignore.
    return date;
  }

  #shortString(): string {
    return this.#string(this.#view.getUint16(this.#take(2)));
  }

  #string(byteLength: number): string {
    const start = this.#take(byteLength);
    return new TextDecoder().decode(this.#bytes.subarray(start, start + byteLength));
  }

  /** Moves past `byteLength` bytes and gives the offset of the first. */
  #take(byteLength: number): number {
    const start = this.#at;
    if (byteLength > this.#bytes.length - start) {
      throw new StarlingError("amf0-truncated", "An AMF0 message ends in the middle of a value.");
    }
    this.#at += byteLength;
    return start;
  }
}

function objectOf(members: ReadonlyMap<string, Amf0Value>): Amf0Object {
  const object: Record<string, Amf0Value> = Object.create(null);
  for (const [name, value] of members) object[name] = value;
  return object;
}

/** The AMF0 bytes of `values`, one after the other. Names longer than 65,535 bytes are a bug. */
export function encodeAmf0(...values: readonly Amf0Value[]): Uint8Array {
  return concatBytes(...values.map(encodeValue));
}

function encodeValue(value: Amf0Value): Uint8Array {
  if (value === null) return Uint8Array.of(NULL);
  if (value === undefined) return Uint8Array.of(UNDEFINED);
  if (typeof value === "number") return concatBytes(Uint8Array.of(NUMBER), float64(value));
  if (typeof value === "boolean") return Uint8Array.of(BOOLEAN, value ? 1 : 0);
  if (typeof value === "string") return encodeString(value);
  return encodeComposite(value);
}

function encodeComposite(
  value: Date | readonly Amf0Value[] | ReadonlyMap<string, Amf0Value> | Amf0Object,
): Uint8Array {
  if (value instanceof Date) {
    return concatBytes(Uint8Array.of(DATE), float64(value.getTime()), uint(2, 0));
  }
  if (isStrictArray(value)) {
    return concatBytes(
      Uint8Array.of(STRICT_ARRAY),
      uint(4, value.length),
      ...value.map(encodeValue),
    );
  }
  if (isEcmaArray(value)) {
    return concatBytes(Uint8Array.of(ECMA_ARRAY), uint(4, value.size), encodeMembers([...value]));
  }
  return concatBytes(Uint8Array.of(OBJECT), encodeMembers(Object.entries(value)));
}

/** `Array.isArray` does not narrow a readonly array out of a union. */
function isStrictArray(value: object): value is readonly Amf0Value[] {
  return Array.isArray(value);
}

function isEcmaArray(value: object): value is ReadonlyMap<string, Amf0Value> {
  return value instanceof Map;
}

function encodeMembers(members: readonly (readonly [string, Amf0Value])[]): Uint8Array {
  const parts = members.flatMap(([name, value]) => [shortString(name), encodeValue(value)]);
  return concatBytes(...parts, uint(2, 0), Uint8Array.of(OBJECT_END));
}

function encodeString(text: string): Uint8Array {
  const bytes = utf8(text);
  return bytes.length > SHORT_STRING_BYTES_MAX
    ? concatBytes(Uint8Array.of(LONG_STRING), uint(4, bytes.length), bytes)
    : concatBytes(Uint8Array.of(STRING), uint(2, bytes.length), bytes);
}

function shortString(text: string): Uint8Array {
  const bytes = utf8(text);
  return concatBytes(uint(2, bytes.length), bytes);
}

function float64(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, value);
  return bytes;
}

/** `value` as a big-endian unsigned integer of `byteLength` bytes. */
function uint(byteLength: 2 | 4, value: number): Uint8Array {
  const bytes = new Uint8Array(byteLength);
  const view = new DataView(bytes.buffer);
  if (byteLength === 2) view.setUint16(0, value);
  else view.setUint32(0, value);
  return bytes;
}
