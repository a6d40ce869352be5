import { closeSync, fstatSync, mkdirSync, openSync, renameSync, writeSync } from "node:fs";
import { dirname } from "node:path";

const BYTE_LENGTH_MAX = 10 * 1024 * 1024;
const OLD_FILES_MAX = 3;

/**
 * Appends lines to a file. A full one becomes `x.log.1`, that one `x.log.2`, and so on; the oldest
 * is dropped. Writes are synchronous: a line is on disk before the next thing can go wrong.
 */
export class LogFile {
  readonly #path: string;
  readonly #byteLengthMax: number;
  #descriptor: number;
  #byteLength: number;

  constructor(path: string, byteLengthMax = BYTE_LENGTH_MAX) {
    this.#path = path;
    this.#byteLengthMax = byteLengthMax;
    mkdirSync(dirname(path), { recursive: true });
    this.#descriptor = openSync(path, "a", 0o640);
    this.#byteLength = fstatSync(this.#descriptor).size;
  }

  write(line: string): void {
    const bytes = Buffer.from(`${line}\n`);
    if (this.#byteLength > 0 && this.#byteLength + bytes.length > this.#byteLengthMax) {
      this.#rotate();
    }
    writeSync(this.#descriptor, bytes);
    this.#byteLength += bytes.length;
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #rotate(): void {
    closeSync(this.#descriptor);
    for (let age = OLD_FILES_MAX; age > 0; age--) {
      const younger = age === 1 ? this.#path : `${this.#path}.${age - 1}`;
      try {
        renameSync(younger, `${this.#path}.${age}`);
      } catch {
        // There is no file of that age yet.
      }
    }
    this.#descriptor = openSync(this.#path, "a", 0o640);
    this.#byteLength = 0;
  }
}
