const LINES_MAX = 100;
const LINE_LENGTH_MAX = 500;

/** The last 100 lines that something said, with the time of each. */
export class LineRing {
  #lines: string[] = [];

  get lines(): readonly string[] {
    return this.#lines;
  }

  /** `at` is the time of the line, ISO 8601. */
  push(at: string, line: string): void {
    this.#lines = [...this.#lines.slice(1 - LINES_MAX), `${at} ${line.slice(0, LINE_LENGTH_MAX)}`];
  }
}
