import { PassThrough } from "node:stream";
import type { WriteStream } from "node:tty";
import { expect, test } from "@jest/globals";
import type { Finding } from "./origin-status.ts";
import { findingLines } from "./studio-text.ts";
import { Terminal } from "./terminal.ts";

test("a finding is told once when it comes, and once when it is gone", () => {
  const terminal = new Terminal(new PassThrough() as unknown as WriteStream);
  const finding: Finding = { code: "x", severity: "warning", message: "It is so.", cure: "Do it." };
  expect(findingLines(terminal, [], [finding])).toEqual(["Doctor: It is so. Do it."]);
  expect(findingLines(terminal, [finding], [{ ...finding, message: "It is worse." }])).toEqual([]);
  expect(findingLines(terminal, [finding], [])).toEqual(["Doctor: no longer so: It is so."]);
});
