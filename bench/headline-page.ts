import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";

/** A line of a Markdown table. */
export function markdown(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

/** Prints a Markdown table line by line, as its lines come, and keeps it. */
export class PrintedTable {
  readonly lines: string[] = [];

  constructor(head: readonly string[]) {
    this.add(head);
    this.add(head.map(() => "---"));
  }

  add(cells: readonly string[]): void {
    this.lines.push(markdown(cells));
    console.log(markdown(cells));
  }
}

/** The commit of the working copy, "-dirty" if files differ from it. */
export function commit(): string {
  return execFileSync("git", ["describe", "--always", "--dirty"], { encoding: "utf8" }).trim();
}

/**
 * Puts lines between `<!-- name -->` and `<!-- end of name -->` of a page, under the command that made them.
 * Throws an Error if the page has no such place.
 */
export function writeSection(
  page: string,
  name: string,
  command: string,
  lines: readonly string[],
): void {
  const text = readFileSync(page, "utf8");
  const [start, end] = [`<!-- ${name} -->`, `<!-- end of ${name} -->`];
  const [from, to] = [text.indexOf(start) + start.length, text.indexOf(end)];
  if (from < start.length || to < from) throw new Error(`${page}: expected ${start} and ${end}.`);
  const caption = `\`${command}\` at ${commit()}, seeds from 1; mean ± 95 % confidence interval.`;
  const section = [caption, "", ...lines].join("\n");
  writeFileSync(page, `${text.slice(0, from)}\n\n${section}\n\n${text.slice(to)}`);
}
