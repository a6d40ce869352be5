import type { Random } from "../core/index.ts";

/** What is read of a JSON schema. */
export interface JsonSchema {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly JsonSchema[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly maxItems?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
}

const LENGTH_MAX = 64;
const ITEMS_MAX = 4;
const DEPTH_MAX = 40;

/** Values that parsers stumble over. */
const ODD: readonly unknown[] = [
  ...[
    null,
    true,
    0,
    -1,
    -0.5,
    1e308,
    2 ** 53,
    "",
    " ",
    "null",
    "\u0000",
    "\ud800",
    "../../etc/passwd",
  ],
  ...[
    "%2e%2e%2f",
    "a".repeat(5000),
    "é".repeat(300),
    "__proto__",
    "constructor",
    "<script>",
    "{}",
    "'",
  ],
  ...[[], {}, [[]], [null], { __proto__: 1 }, { toString: 1 }, { length: 1e9 }],
];

/** Ids and paths that mean something, among many that do not. */
const NAMES: readonly string[] = [
  ...["main", "fuzz-a", "fuzz-b", "none", "0", "1", "-1", "4294967296", "init-0", "0-0", "a~1"],
  ...["%00", "%ff", "..%2f..%2fkeys", "a".repeat(300), "A B", "__proto__", "key-1"],
];

/** One of `items`. */
export function pick<Item>(random: Random, items: readonly Item[]): Item {
  return items[random.below(items.length)] as Item;
}

/** Something for a segment of a path, as it stands in an address. */
export function nameLike(random: Random): string {
  return random.next() < 0.8 ? pick(random, NAMES) : encodeURIComponent(textOf(random, LENGTH_MAX));
}

/** A value of the schema, or, each part with `wildness`, one that is not. */
export function valueLike(random: Random, schema: JsonSchema, wildness: number): unknown {
  if (random.next() < wildness) return oddValue(random);
  if (schema.anyOf !== undefined) return valueLike(random, pick(random, schema.anyOf), wildness);
  if (schema.enum !== undefined) return pick(random, schema.enum);
  if (schema.type === "object") return objectOf(random, schema, wildness);
  if (schema.type === "array") {
    const count = random.below(Math.min(schema.maxItems ?? ITEMS_MAX, ITEMS_MAX) + 1);
    const items = schema.items ?? {};
    return Array.from({ length: count }, () => valueLike(random, items, wildness));
  }
  if (schema.type === "integer" || schema.type === "number") {
    const { minimum = -10, maximum = 1000 } = schema;
    return Math.round(minimum + random.next() * (maximum - minimum));
  }
  if (schema.type === "boolean") return random.next() < 0.5;
  return textOf(random, schema.maxLength ?? LENGTH_MAX);
}

function objectOf(random: Random, schema: JsonSchema, wildness: number): Record<string, unknown> {
  const { properties = {}, required = [] } = schema;
  const given = Object.entries(properties).filter(([name]) =>
    required.includes(name) ? random.next() >= wildness / 2 : random.next() < 0.5,
  );
  const extra = random.next() < wildness ? [[textOf(random, 8), oddValue(random)]] : [];
  return Object.fromEntries([
    ...given.map(([name, one]) => [name, valueLike(random, one, wildness)]),
    ...extra,
  ]);
}

function oddValue(random: Random): unknown {
  if (random.next() < 0.05) {
    let deep: unknown = 1;
    for (let depth = random.below(DEPTH_MAX); depth > 0; depth -= 1) deep = [deep];
    return deep;
  }
  return pick(random, ODD);
}

function textOf(random: Random, lengthMax: number): string {
  const length = random.below(Math.min(lengthMax, LENGTH_MAX) + 1);
  const wide = random.next() < 0.2;
  return Array.from({ length }, () =>
    String.fromCharCode(wide ? random.below(0xd7_ff) : 32 + random.below(95)),
  ).join("");
}

/** The bytes of a text or message, with some of them changed, cut, doubled or made up. */
export function mutated(random: Random, bytes: Uint8Array): Uint8Array {
  const kind = random.below(5);
  if (kind === 0) return bytes.slice(0, random.below(bytes.length + 1));
  if (kind === 1) return randomBytes(random, random.below(2048));
  if (kind === 2) return Uint8Array.from([...bytes, ...bytes]);
  const changed = bytes.slice();
  for (let count = 1 + random.below(4); count > 0 && changed.length > 0; count -= 1) {
    changed[random.below(changed.length)] = random.below(256);
  }
  return changed;
}

function randomBytes(random: Random, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => random.below(256));
}
