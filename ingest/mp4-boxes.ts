/** A box of ISO/IEC 14496-12 section 4.2: its type and what is in it. */
export interface Box {
  readonly type: string;
  readonly body: DataView;
}

/** Boxes that are looked at in one place: ours hold a few. */
const BOXES_MAX = 1000;

/** A view of some bytes. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The boxes in `view` from byte `start` on; it ends where one does not fit. */
export function boxesIn(view: DataView, start = 0): Box[] {
  const boxes: Box[] = [];
  let at = start;
  while (at + 8 <= view.byteLength && boxes.length < BOXES_MAX) {
    const short = view.getUint32(at);
    const isLong = short === 1 && at + 16 <= view.byteLength;
    const headerBytes = isLong ? 16 : 8;
    const left = view.byteLength - at;
    const byteLength = isLong ? Number(view.getBigUint64(at + 8)) : short === 0 ? left : short;
    if (byteLength < headerBytes || byteLength > left) break;
    boxes.push({
      type: textAt(view, at + 4, 4),
      body: part(view, at + headerBytes, byteLength - headerBytes),
    });
    at += byteLength;
  }
  return boxes;
}

/** The bodies of all boxes on a path such as "moov/trak". */
export function bodiesAt(view: DataView, path: string): DataView[] {
  let found = [view];
  for (const type of path.split("/")) {
    found = found.flatMap((body) =>
      boxesIn(body)
        .filter((box) => box.type === type)
        .map((box) => box.body),
    );
  }
  return found;
}

/** `byteLength` bytes of a view from `start` on. Throws RangeError when it is shorter. */
export function part(view: DataView, start: number, byteLength: number): DataView {
  return new DataView(view.buffer, view.byteOffset + start, byteLength);
}

/** `length` characters at byte `at`. Throws RangeError when the view is shorter. */
export function textAt(view: DataView, at: number, length: number): string {
  const codes = Array.from({ length }, (_, index) => view.getUint8(at + index));
  return String.fromCharCode(...codes);
}
