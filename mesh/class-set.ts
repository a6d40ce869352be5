import { CLASSES, type ClassSet } from "../core/index.ts";

/** Whether `symbolClass` is in the set. */
export function isIn(classes: ClassSet, symbolClass: number): boolean {
  return (classes & (1 << symbolClass)) !== 0;
}

/** What of `classes` is not in `others`. */
export function without(classes: ClassSet, others: ClassSet): ClassSet {
  return classes & ~others;
}

/** The classes of a set, ascending. */
export function classesIn(classes: ClassSet): number[] {
  const found: number[] = [];
  for (let symbolClass = 0; symbolClass < CLASSES; symbolClass++) {
    if (isIn(classes, symbolClass)) found.push(symbolClass);
  }
  return found;
}

/** How many classes are in the set. */
export function sizeOf(classes: ClassSet): number {
  let size = 0;
  for (let rest = classes; rest !== 0; rest &= rest - 1) size++;
  return size;
}
