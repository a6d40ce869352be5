import type { WriteStream } from "node:tty";
import { stripVTControlCharacters, styleText } from "node:util";

type Style = Parameters<typeof styleText>[0];

const PLAIN_STATUS_INTERVAL_MS = 10_000;
const ERASE_LINE = "\r\u001b[2K";

/**
 * Lines that stay, and one status line below them that is rewritten in place. Where the output is
 * not a terminal, the status becomes a plain line when its state changes, and every 10 s.
 */
export class Terminal {
  readonly #output: WriteStream;
  #status = "";
  #plainState = "";
  #plainAtMs = Number.NEGATIVE_INFINITY;

  constructor(output: WriteStream) {
    this.#output = output;
  }

  /** Colours a text where the terminal can show colours. */
  style(style: Style, text: string): string {
    return this.#output.isTTY && this.#output.hasColors() ? styleText(style, text) : text;
  }

  /** Writes lines above the status line. */
  write(text: string): void {
    if (this.#output.isTTY) this.#output.write(`${ERASE_LINE}${text}\n${this.#status}`);
    else this.#output.write(`${text}\n`);
  }

  /** Shows the status; `state` is the part whose change is news. */
  status(state: string, text: string): void {
    if (this.#output.isTTY) {
      this.#status = this.#fitted(text);
      this.#output.write(`${ERASE_LINE}${this.#status}`);
      return;
    }
    const nowMs = performance.now();
    if (state === this.#plainState && nowMs - this.#plainAtMs < PLAIN_STATUS_INTERVAL_MS) return;
    this.#plainState = state;
    this.#plainAtMs = nowMs;
    this.#output.write(`${text}\n`);
  }

  /** Takes the status line away. */
  clearStatus(): void {
    if (this.#output.isTTY) this.#output.write(ERASE_LINE);
    this.#status = "";
  }

  /** A line that is too long is cut, and loses its colours with that. */
  #fitted(text: string): string {
    // One column stays free: some terminals wrap as soon as the last one is filled.
    const columns = Math.max(1, this.#output.columns - 1);
    const plain = stripVTControlCharacters(text);
    return plain.length > columns ? plain.slice(0, columns) : text;
  }
}
