import { Writable } from "node:stream";
import { type Logger, pino } from "pino";

/** A logger that keeps what it is told; for tests. */
export interface CapturedLog {
  readonly log: Logger;
  /** The messages so far, oldest first. */
  readonly messages: string[];
  /** Everything that was logged, as one text. */
  text(): string;
  /** Empties it. */
  forget(): void;
}

/** Makes a logger that keeps every line of level debug and above. */
export function captureLog(): CapturedLog {
  const lines: string[] = [];
  const messages: string[] = [];
  const sink = new Writable({
    write: (line: Buffer, _encoding, done) => {
      lines.push(String(line));
      messages.push(String(JSON.parse(String(line)).msg));
      done();
    },
  });
  const forget = (): void => {
    lines.length = 0;
    messages.length = 0;
  };
  return { log: pino({ level: "debug" }, sink), messages, text: () => lines.join(""), forget };
}
