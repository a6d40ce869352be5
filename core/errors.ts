/**
 * Bad input from a network, a disk or a user. `code` is stable and is what programs compare;
 * the message names the cause and the cure and never holds a secret.
 */
export class StarlingError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = "StarlingError";
    this.code = code;
  }
}

/** The `code` of a StarlingError, or undefined. Works across realms and worker threads. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** Throws when an invariant of our own code is broken: a bug, never bad input. */
export function assert(condition: unknown, invariant: string): asserts condition {
  if (!condition) throw new Error(`Broken invariant: ${invariant}`);
}
