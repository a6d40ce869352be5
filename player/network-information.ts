/** What browsers that have it tell of the network (Network Information API). */
interface NetworkInformation extends Partial<EventTarget> {
  readonly saveData?: boolean;
  readonly type?: string;
}

/** What the browser tells of the network; undefined: nothing. */
export function networkInformation(): NetworkInformation | undefined {
  return (navigator as Navigator & { readonly connection?: NetworkInformation }).connection;
}
