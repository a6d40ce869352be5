import { PRODUCTS } from "./layout";

/** Where the products of the element named `name` are: 16 with the low nibbles, 16 with the high ones. */
@inline
export function productsOf(name: usize): usize {
  return PRODUCTS + (name << 5);
}

/** Every index is below 16, so that the relaxed instruction has just one meaning. */
@inline
function pick(table: v128, indexes: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i8x16.relaxed_swizzle(table, indexes);
  return i8x16.swizzle(table, indexes);
}

/** Sixteen products at once, with tables that the caller keeps in registers. */
@inline
export function product(low: v128, high: v128, x: v128): v128 {
  const nibble = i8x16.splat(15);
  return v128.xor(
    pick(low, v128.and(x, nibble)),
    pick(high, v128.and(i16x8.shr_u(x, 4), nibble)),
  );
}

/** Sixteen products at once with the tables at `products`. */
@inline
export function times(products: usize, x: v128): v128 {
  return product(v128.load(products), v128.load(products, 16), x);
}
