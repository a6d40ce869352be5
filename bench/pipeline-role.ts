import { pino } from "pino";
import { runApi } from "../api/index.ts";
import { runEncoder } from "../encoder/index.ts";
import { runIngest } from "../ingest/index.ts";
import { runSigner } from "../signer/index.ts";
import { probeApi } from "./pipeline-probe.ts";

/**
 * One role of a benchmark's origin in a process of its own: `pipeline-role.js <role> <json>`.
 * It reports over IPC that it runs, and ends when the benchmark does.
 */

const [role = "", settings = "{}"] = process.argv.slice(2);
const common = { ...JSON.parse(settings), log: pino({ level: "warn" }, pino.destination(2)) };

async function start(): Promise<object> {
  switch (role) {
    case "encoder":
      await runEncoder(common);
      return {};
    case "signer":
      await runSigner(common);
      return {};
    case "ingest":
      return {
        port: (await runIngest({ ...common, rtmpHost: "127.0.0.1", rtmpPort: 0 })).rtmpPort,
      };
    case "api":
      return { port: (await runApi({ ...common, host: "127.0.0.1", port: 0 })).port };
    case "probe":
      return probeApi(common);
    default:
      throw new Error(`There is no role "${role}" in this benchmark.`);
  }
}

process.once("disconnect", () => process.exit());
process.send?.(await start());
