import { PassThrough } from "node:stream";
import type { WriteStream } from "node:tty";
import { describe, expect, test } from "@jest/globals";
import { Terminal } from "./terminal.ts";

const ERASE = "\r\u001b[2K";

function output(tty: { columns: number } | undefined) {
  const stream = new PassThrough();
  const properties = tty === undefined ? {} : { isTTY: true, hasColors: () => true, ...tty };
  return {
    terminal: new Terminal(Object.assign(stream, properties) as unknown as WriteStream),
    written: () => stream.read()?.toString() ?? "",
  };
}

describe("on a terminal", () => {
  test("the status is rewritten in place, and lines go above it", () => {
    const { terminal, written } = output({ columns: 80 });
    terminal.status("live", "live 1");
    terminal.status("live", "live 2");
    terminal.write("news");
    expect(written()).toBe(`${ERASE}live 1${ERASE}live 2${ERASE}news\nlive 2`);
  });

  test("a status that is too long is cut without cutting a colour in two", () => {
    const { terminal, written } = output({ columns: 8 });
    terminal.status("live", terminal.style("green", "0123456789"));
    expect(written()).toBe(`${ERASE}0123456`);
  });
});

describe("elsewhere", () => {
  test("the status is a line of its own when its state changes, and not more often", () => {
    const { terminal, written } = output(undefined);
    terminal.status("starting", terminal.style("green", "starting"));
    terminal.status("live", "live 1");
    terminal.status("live", "live 2");
    terminal.write("news");
    terminal.status("stalled", "stalled");
    expect(written()).toBe("starting\nlive 1\nnews\nstalled\n");
  });
});
