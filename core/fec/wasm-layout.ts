/**
 * What the kernel in wasm/ expects where in its memory; wasm/layout.ts has the same numbers. After the
 * tables, the tiles, and the message that is hashed come the block and the repair symbols.
 */
export const PRODUCTS = 0;
export const SOURCES = 0x20_00;
export const TARGETS = 0x24_00;
export const REPAIRS = 0x28_00;
export const COEFFICIENTS = 0x2a_00;
export const FACTORS = 0x3a_00;
export const CONSTANTS = 0x1_20_00;
export const STATE = 0x1_21_00;
export const MESSAGE = 0x1_24_00;
export const BLOCK = 0x2_00_00;
