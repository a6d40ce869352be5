import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { afterEach, describe, expect, test } from "@jest/globals";
import { EXIT_REFUSED } from "./supervised-child.ts";

const BUILT = new URL("../dist/cli/", import.meta.url);

let child: ChildProcess | undefined;

/** A process that runs `start`, the body of an async function, as a role. */
function roleProcess(start: string) {
  const script = `
    import { createRoleLog } from ${JSON.stringify(new URL("role-log.js", BUILT).href)};
    import { runRoleProcess } from ${JSON.stringify(new URL("role-process.js", BUILT).href)};
    const log = createRoleLog("test", { logLevel: "info", logFormat: "json" });
    const stay = setInterval(() => {}, 1000);
    await runRoleProcess(log, async () => { ${start} });`;
  const role = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit", "ipc"],
  });
  child = role;
  const ended = once(role, "exit").then(([status]) => status);
  return { role, output: role.stdout === null ? Promise.resolve("") : text(role.stdout), ended };
}

const CLOSE = 'close: async () => log.info("closed")';

afterEach(() => {
  child?.kill("SIGKILL");
});

describe("a role's process", () => {
  test("says its port when it is ready, and closes in order on SIGTERM", async () => {
    const { role, output, ended } = roleProcess(`return { port: 7, ${CLOSE} };`);
    expect(await once(role, "message")).toMatchObject([
      { type: "ready", details: { port: 7 } },
      undefined,
    ]);
    role.kill("SIGTERM");
    expect(await ended).toBe(0);
    const messages = (await output)
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).msg);
    expect(messages).toEqual(["ready", "stopping", "closed", "stopped"]);
  });

  test("closes when its supervisor is gone", async () => {
    const { role, output, ended } = roleProcess(`return { ${CLOSE} };`);
    await once(role, "message");
    role.disconnect();
    expect(await ended).toBe(0);
    expect(await output).toContain("the supervisor is gone");
  });

  test("ends with status 1 after an uncaught error, and logs it under its role", async () => {
    const { output, ended } = roleProcess(
      `setTimeout(() => { throw new Error("boom"); }, 1); return { ${CLOSE} };`,
    );
    expect(await ended).toBe(1);
    const last = JSON.parse((await output).trim().split("\n").at(-1) ?? "");
    expect(last).toMatchObject({ level: 60, role: "test", err: { message: "boom" } });
  });

  test("ends with the status for a refusal when it cannot start for a reason a person can cure", async () => {
    const { output, ended } = roleProcess(
      `throw Object.assign(new Error("The key file is damaged."), { name: "StarlingError", code: "key-file-malformed" });`,
    );
    expect(await ended).toBe(EXIT_REFUSED);
    expect(await output).toContain("The key file is damaged.");
  });

  test("ends with status 1 when starting fails for another reason, so that it is tried again", async () => {
    const refused = roleProcess(`throw Object.assign(new Error("no"), { code: "ECONNREFUSED" });`);
    expect(await refused.ended).toBe(1);
  });

  test("ends although its close never does", async () => {
    const { role, ended } = roleProcess("return { close: () => new Promise(() => {}) };");
    await once(role, "message");
    role.kill("SIGTERM");
    expect(await ended).toBe(1);
  });
});
