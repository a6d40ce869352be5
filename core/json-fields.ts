import { StarlingError } from "./errors.ts";

/**
 * Reads fields of a JSON object that came from outside. Every miss is a StarlingError with the
 * `code` given at construction; the message names the field and what was expected, never its value.
 */
export class JsonFields {
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #code: string;

  constructor(value: unknown, code: string) {
    this.#code = code;
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw new StarlingError(code, "Expected a JSON object.");
    }
    this.#fields = value as Record<string, unknown>;
  }

  /** A string of at most `lengthMax` UTF-16 units. */
  text(name: string, lengthMax: number): string {
    const value = this.#fields[name];
    if (typeof value === "string" && value.length <= lengthMax) return value;
    throw this.#miss(name, `a text of at most ${lengthMax} characters`);
  }

  /** A string that equals one of `choices`. */
  oneOf<const Choice extends string>(name: string, choices: readonly Choice[]): Choice {
    const value = this.#fields[name];
    const choice = choices.find((candidate) => candidate === value);
    if (choice !== undefined) return choice;
    throw this.#miss(name, choices.join(" or "));
  }

  /** A whole number from `min` to `max`. */
  integer(name: string, min: number, max: number): number {
    const value = this.#fields[name];
    if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) {
      return value;
    }
    throw this.#miss(name, `a whole number from ${min} to ${max}`);
  }

  /** A finite number from `min` to `max`. */
  number(name: string, min: number, max: number): number {
    const value = this.#fields[name];
    if (typeof value === "number" && value >= min && value <= max) return value;
    throw this.#miss(name, `a number from ${min} to ${max}`);
  }

  /** True or false. */
  boolean(name: string): boolean {
    const value = this.#fields[name];
    if (typeof value === "boolean") return value;
    throw this.#miss(name, "true or false");
  }

  /** The reader of a nested object. */
  object(name: string): JsonFields {
    const value = this.#fields[name];
    if (typeof value !== "object" || value === null) throw this.#miss(name, "an object");
    return new JsonFields(value, this.#code);
  }

  /** The items of an array of at most `countMax`. */
  array(name: string, countMax: number): readonly unknown[] {
    const value = this.#fields[name];
    if (Array.isArray(value) && value.length <= countMax) return value;
    throw this.#miss(name, `an array of at most ${countMax} items`);
  }

  /** Whether the field is there and not null. */
  has(name: string): boolean {
    return this.#fields[name] !== undefined && this.#fields[name] !== null;
  }

  #miss(name: string, expected: string): StarlingError {
    return new StarlingError(this.#code, `Field "${name}": expected ${expected}.`);
  }
}

/** Parses JSON text. Throws StarlingError with `code` where it is not JSON. */
export function parseJson(text: string, code: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new StarlingError(code, "Expected JSON text.", { cause });
  }
}
