import { stripVTControlCharacters } from "node:util";

/** Columns under their heads, two spaces apart; the first column to the left, numbers to the right. */
export function textTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, ...rows];
  const widths = head.map((_, column) =>
    Math.max(...lines.map((line) => width(line[column] ?? ""))),
  );
  return lines
    .map((line) =>
      widths
        .map((columnWidth, column) => padded(line[column] ?? "", columnWidth, column === 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function padded(text: string, columnWidth: number, isLeft: boolean): string {
  const space = " ".repeat(columnWidth - width(text));
  return isLeft ? text + space : space + text;
}

function width(text: string): number {
  return stripVTControlCharacters(text).length;
}
