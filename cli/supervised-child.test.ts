import { afterEach, describe, expect, test } from "@jest/globals";
import { type ChildEvent, EXIT_REFUSED, SupervisedChild } from "./supervised-child.ts";

const SAY_READY = 'process.send({ type: "ready", details: { port: 7 } });';
const STAY = "setInterval(() => {}, 1000);";

let child: SupervisedChild | undefined;
let events: ChildEvent[] = [];
let wake: () => void = () => undefined;

/** A child that runs a few lines of JavaScript. */
function childRunning(script: string, environment: () => Record<string, string> = () => ({})) {
  events = [];
  child = new SupervisedChild(
    { name: "child", command: [process.execPath, "-e", script], environment },
    (event) => {
      events.push(event);
      wake();
    },
  );
  child.start();
  return child;
}

/** Waits until `count` events of a type have come. */
async function eventsOf<T extends ChildEvent["type"]>(type: T, count: number) {
  for (;;) {
    const found = events.filter((event): event is ChildEvent & { type: T } => event.type === type);
    if (found.length >= count) return found;
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

afterEach(async () => {
  await child?.stop(100);
});

describe("a supervised child", () => {
  test("tells when it is ready and with which details", async () => {
    const started = childRunning(SAY_READY + STAY);
    expect(await started.ready).toEqual({ port: 7 });
    expect(events).toEqual([{ type: "ready", child: "child", isRestart: false }]);
  });

  test("hands on its lines from both outputs", async () => {
    childRunning('console.log("one"); console.error("two");');
    const lines = await eventsOf("line", 2);
    expect(lines.map(({ line }) => line).sort()).toEqual(["one", "two"]);
  });

  test("is started again when it is killed, and gets a new environment", async () => {
    let starts = 0;
    const script = `console.log("start " + process.env.START); ${SAY_READY}${STAY}`;
    const started = childRunning(script, () => ({ START: String(++starts) }));
    await started.ready;
    process.kill(started.pid ?? 0, "SIGKILL");
    const [, restarted] = await eventsOf("ready", 2);
    expect(restarted).toMatchObject({ isRestart: true });
    expect(await eventsOf("ended", 1)).toMatchObject([
      { reason: "signal SIGKILL", restartInMs: 500 },
    ]);
    const lines = await eventsOf("line", 2);
    expect(lines.map(({ line }) => line)).toEqual(["start 1", "start 2"]);
  });

  test("is started again with pauses that double", async () => {
    childRunning("process.exit(3)");
    const ended = await eventsOf("ended", 3);
    expect(ended.map(({ restartInMs }) => restartInMs)).toEqual([500, 1000, 2000]);
    expect(ended[0]?.reason).toBe("status 3");
  });

  test("that refuses to start is not started again", async () => {
    const started = childRunning(`process.exit(${EXIT_REFUSED})`);
    await expect(started.ready).rejects.toMatchObject({ code: "child-refused" });
    expect(events).toEqual([]);
    expect(started.pid).toBeUndefined();
  });

  test("stops by itself when it is asked to", async () => {
    const started = childRunning(
      `process.on("SIGTERM", () => { console.log("bye"); process.exit(0); }); ${SAY_READY}${STAY}`,
    );
    await started.ready;
    await started.stop(10_000);
    expect(events.map(({ type }) => type)).toEqual(["ready", "line"]);
    expect(started.pid).toBeUndefined();
  });

  test("that does not stop is killed with everything it started", async () => {
    const started = childRunning(`
      const { spawn } = require("node:child_process");
      const own = spawn(process.execPath, ["-e", ${JSON.stringify(STAY)}], { stdio: "ignore" });
      process.on("SIGTERM", () => {});
      console.log(own.pid);
      ${SAY_READY}${STAY}`);
    await started.ready;
    const [line] = await eventsOf("line", 1);
    const grandchild = Number(line?.line);
    expect(isRunning(grandchild)).toBe(true);
    await started.stop(50);
    // The kernel has the signal; the parent that would reap it is gone too.
    while (isRunning(grandchild)) await new Promise((resolve) => setTimeout(resolve, 10));
  });

  test("is not started again after a stop between two starts", async () => {
    const started = childRunning("process.exit(3)");
    await eventsOf("ended", 1);
    await started.stop(100);
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(started.pid).toBeUndefined();
  });
});
