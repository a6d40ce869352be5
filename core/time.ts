/** An instant in milliseconds since the UNIX epoch, from a monotonic source, given by the driver. */
export type InstantMs = number & { readonly __unit: "instantMs" };

/** Brands a number of milliseconds since the UNIX epoch as an instant. */
export function instantMs(milliseconds: number): InstantMs {
  return milliseconds as InstantMs;
}

/** The instant `durationMs` milliseconds after `instant`. */
export function after(instant: InstantMs, durationMs: number): InstantMs {
  return (instant + durationMs) as InstantMs;
}
