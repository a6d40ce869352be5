import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { networkInterfaces } from "node:os";
import { promisify } from "node:util";
import { afterEach, expect, test } from "@jest/globals";
import { Lab, type LabLink, type LabTraffic } from "./lab.ts";

const lacking = await Lab.lacks();

const TIMEOUT_MS = 60_000;
const LINK = { uplinkKbps: 10_000, downlinkKbps: 10_000, delayMs: 5, lossShare: 0 };

let lab: Lab | undefined;

async function startLab(links: readonly LabLink[]): Promise<Lab> {
  lab = await Lab.start(links);
  return lab;
}

/** Ends the lab and gives the traffic of its second host. */
async function stopLab(): Promise<LabTraffic | undefined> {
  const traffic = await lab?.stop();
  lab = undefined;
  return traffic?.[1];
}

/** Where there can be no lab, it says why. */
function testInLab(name: string, use: () => Promise<void>): void {
  const refuse = () => expect(startLab([LINK])).rejects.toThrow(lacking);
  test(name, lacking === undefined ? use : refuse, TIMEOUT_MS);
}

afterEach(stopLab);

function namesOfDevices(): string[] {
  return Object.keys(networkInterfaces()).filter((name) => name.startsWith("starling"));
}

testInLab("two hosts of a lab reach each other, and nothing is left of it", async () => {
  const [first, second] = (await startLab([LINK, LINK])).hosts;
  const server = createServer((socket) => {
    socket.end(String(socket.remoteAddress));
  });
  server.listen(0, first?.address);
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const program = `require("net").connect(${port}, "${first?.address}").pipe(process.stdout)`;
  const [command = "", ...args] = [...(second?.enter ?? []), process.execPath, "-e", program];
  const { stdout } = await promisify(execFile)(command, args);
  server.close();
  await once(server, "close"); // A connection left open would be closed in the next lab.
  expect(stdout).toBe(second?.address);
  expect(namesOfDevices()).toHaveLength(1);
  const traffic = await stopLab();
  expect(traffic).toMatchObject({ lost: 0, dropped: 0 });
  expect(traffic?.sent).toBeGreaterThan(3);
  expect(namesOfDevices()).toEqual([]);
});

testInLab("packets are lost at the host that is to lose them", async () => {
  const [first, second] = (await startLab([LINK, { ...LINK, lossShare: 1 }])).hosts;
  const program = `
    const socket = require("dgram").createSocket("udp4");
    socket.send("lost", 9, "${first?.address}", () => socket.close());`;
  const enter = second?.enter ?? [];
  const [command = "", ...args] = [...enter, process.execPath, "-e", program];
  await promisify(execFile)(command, args);
  expect(await stopLab()).toEqual({ sent: 1, lost: 1, dropped: 0 });
});
