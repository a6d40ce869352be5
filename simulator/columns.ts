/** Typed arrays that columns of numbers are kept in. */
export type Column = Float64Array | Uint32Array | Uint8Array | Int32Array;

/** `longer`, which begins with all that `shorter` holds. */
export function extended<Kind extends Column>(shorter: Kind, longer: Kind): Kind {
  longer.set(shorter);
  return longer;
}
