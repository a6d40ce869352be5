import { parseArgs } from "node:util";
import { DOOR_ATTACKS } from "./attack/door-attacks.ts";
import { JOIN_STORMS } from "./attack/join-storm.ts";
import { MESH_ATTACKS } from "./attack/mesh-attacks.ts";
import { type Attack, type AttackRow, AttackStage } from "./attack/stage.ts";

const NOTHING: Attack = {
  name: "none",
  seconds: 8,
  run: async (_stage, seconds) => {
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    return { stopped: true, cutMs: null, detail: "" };
  },
};

/**
 * Attacks a real origin, one attack after the other, each beside an honest viewer. `--only name,name` runs
 * some. The last line is JSON; the status is 1 when something got through.
 */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: { only: { type: "string" } } });
  const only = values.only?.split(",");
  const attacks = [NOTHING, ...MESH_ATTACKS, ...DOOR_ATTACKS, ...JOIN_STORMS].filter(
    ({ name }) => only === undefined || only.includes(name),
  );
  const stage = await AttackStage.open();
  const rows: AttackRow[] = [];
  try {
    for (const attack of attacks) {
      const row = await stage.row(attack);
      rows.push(row);
      tell(row);
    }
  } finally {
    await stage.close();
  }
  const badBytes = rows.reduce((sum, row) => sum + row.badBytes, 0);
  const missed = rows.filter(({ stopped }) => !stopped).length;
  console.log(JSON.stringify({ bench: "attack", rows, badBytes, missed }));
  if (badBytes + missed > 0) process.exitCode = 1;
}

function tell({ attack, stopped, cutMs, segments, missed, badBytes, detail }: AttackRow): void {
  const cells = [
    attack.padEnd(18),
    (stopped ? "stopped" : "NOT STOPPED").padEnd(12),
    `cut ${cutMs === null ? "-" : `${cutMs} ms`}`.padEnd(14),
    `${missed} of ${segments} missed, ${badBytes} bad bytes`.padEnd(34),
    detail,
  ];
  console.log(cells.join(""));
}

await main();
