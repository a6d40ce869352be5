import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { describe, expect, test } from "@jest/globals";

const BUILT = new URL("../dist/cli/stop-signal.js", import.meta.url);

const SCRIPT = `
  import { listenForStop } from ${JSON.stringify(BUILT.href)};
  const stop = listenForStop();
  stop.onSecond(() => { console.log("hurry"); process.exit(0); });
  setInterval(() => {}, 1000);
  console.log("listening");
  console.log(await stop.asked);`;

async function listener() {
  const child = spawn(process.execPath, ["--input-type=module", "-e", SCRIPT], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async () => (await lines.next()).value;
  expect(await line()).toBe("listening");
  return { child, line };
}

describe("the wish to stop", () => {
  test("is one wish when npm passes on the Ctrl-C that came from the terminal too", async () => {
    const { child, line } = await listener();
    child.kill("SIGINT");
    expect(await line()).toBe("SIGINT");
    child.kill("SIGINT");
    child.kill("SIGTERM");
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(child.exitCode).toBeNull();
    child.kill("SIGKILL");
    await once(child, "exit");
  });

  test("is a wish to hurry when it comes again later", async () => {
    const { child, line } = await listener();
    child.kill("SIGTERM");
    expect(await line()).toBe("SIGTERM");
    await new Promise((resolve) => setTimeout(resolve, 600));
    child.kill("SIGINT");
    expect(await line()).toBe("hurry");
    await once(child, "exit");
  });
});
