// Where things are in memory. What the caller fills in is also in ../wasm-layout.ts.

/** 256 elements, 32 bytes each: products with the nibbles 0..15 and with 0x00, 0x10 .. 0xf0. */
export const PRODUCTS: usize = 0;

// Tables of addresses that the caller fills in; 0 means that there is no such symbol.
export const SOURCES: usize = 0x2000;
export const TARGETS: usize = 0x2400;
export const REPAIRS: usize = 0x2800;
/** Elements: a matrix in groups of four rows, column by column; or the factors of repair symbols. */
export const COEFFICIENTS: usize = 0x2a00;
/** Elements: the factors of source symbols. */
export const FACTORS: usize = 0x3a00;

// Tables of rows, which only the kernel uses: of symbols in the columns that are worked on, and of
// the three tiles.
export const SOURCE_TILES: usize = 0x4000;
export const TARGET_TILES: usize = 0x4400;
export const SUM_ROWS: usize = 0x4800;
export const WORK_ROWS: usize = 0x4900;
export const SYNDROME_ROWS: usize = 0x4a00;
export const KNOWN_ROWS: usize = 0x4b00;

/** Bytes of a row at most. */
export const ROW_BYTES_MAX: usize = 0x800;
/** Read for symbols that do not exist. */
export const ZEROS: usize = 0x5000;
/** Written for symbols that nobody wants. */
export const WASTE: usize = 0x5800;
/** Bytes of a tile at most: M rows of equal length, end to end. */
export const TILE_BYTES: usize = 0x4000;
export const SUMS: usize = 0x6000;
export const WORK: usize = SUMS + TILE_BYTES;
export const SYNDROMES: usize = WORK + TILE_BYTES;

/** SHA-256: the constants of the rounds and the state, which the caller fills in, and the schedule. */
export const CONSTANTS: usize = 0x12000;
export const STATE: usize = 0x12100;
export const SCHEDULE: usize = 0x12200;
/** Whole blocks of a message that is hashed, up to the coded block. */
export const MESSAGE: usize = 0x12400;
