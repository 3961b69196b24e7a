import type { ChaosStage } from "../stage/chaos-stage";
import { FaultLane, type FaultCounts } from "./fault-lane";
import type { ScenarioResult } from "./scenario";

const LANES = 2;
const PROGRESS_MS = 10_000;

/** Kills, stops and network faults together while the tenant changes, for the given time. */
export async function storm(stage: ChaosStage, seconds: number): Promise<ScenarioResult> {
  const counts: FaultCounts = { kills: {}, points: {}, stops: 0, network: 0 };
  const busy = new Set<string>();
  const began = performance.now();
  const untilMs = began + seconds * 1_000;
  const auditedBefore = await stage.target.auditCount();
  const progress = async (): Promise<void> => {
    while (performance.now() + PROGRESS_MS / 2 < untilMs && !stage.interrupted) {
      await stage.pause(PROGRESS_MS);
      const kills = Object.values(counts.kills).reduce((sum, count) => sum + count, 0);
      stage.say(
        `${Math.round((performance.now() - began) / 1_000)} s: ${stage.workload.changes} changes, ${(await stage.target.auditCount()) - auditedBefore} writes, ${kills} kills, ${counts.stops} stops, ${counts.network} network faults`,
      );
    }
  };
  stage.workload.start();
  await Promise.all([
    progress(),
    ...Array.from({ length: LANES }, (_, lane) =>
      new FaultLane(stage, {
        random: stage.random.fork(`faults ${lane}`),
        busy,
        counts,
        untilMs,
      }).run(),
    ),
  ]);
  const faultSeconds = (performance.now() - began) / 1_000;
  stage.say("healed; waiting until everything is in step ...");
  const { violations, inStepAfterMs } = await stage.finish();
  return {
    seconds: Math.round(faultSeconds),
    violations,
    measured: {
      changes: stage.workload.changes,
      writes: (await stage.target.auditCount()) - auditedBefore,
      kills: counts.kills,
      points: counts.points,
      stops: counts.stops,
      network: stage.connections.struck(),
      inStepAfterMs,
    },
  };
}
