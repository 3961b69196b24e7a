/**
 * kill -9 of the only agent, over and over, each time at the next named point. Between two kills it must complete a unit:
 * how long that takes after it was started again is measured.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { lockMs, type ChaosStage } from "./chaos-stage";
import { median } from "./median";
import type { ScenarioResult } from "./scenario";
import { agentPoints } from "./strikes";

const name = "agent";
const POLL_MS = 10;
/** Work is always waiting: a point that is not reached within this means that the agent stands still. */
const STRUCK_WITHIN_MS = 30_000;
/** First completion after the restart: lock time and this. */
const BEYOND_LOCK_MS = 10_000;
const GIVE_UP_MS = 60_000;
const MOST_HITS = 5;
const PROGRESS_KILLS = 12;

export async function killPoints(stage: ChaosStage, kills: number): Promise<ScenarioResult> {
  const { strikes, history } = stage;
  const random = stage.random.fork("kill points");
  const violations: string[] = [];
  const completionsMs: number[] = [];
  const points: Record<string, number> = {};
  const began = performance.now();
  const auditedBefore = stage.target.auditCount();
  stage.workload.start();
  for (let kill = 0; kill < kills; kill += 1) {
    const point = agentPoints[kill % agentPoints.length] ?? "before-inbox";
    const pid = stage.pid(name);
    const id = strikes.order(name, { point, hit: random.between(1, MOST_HITS), act: "kill" });
    if (!(await within(STRUCK_WITHIN_MS, () => strikes.struck(name, id)))) {
      violations.push(`kill ${kill + 1}: ${point} was not reached within 30 s`);
      strikes.withdraw(name);
      continue;
    }
    stage.noteEnded(name);
    points[point] = (points[point] ?? 0) + 1;
    await stage.runsAgain(name, pid);
    const restartedMs = Date.now();
    const newPid = stage.pid(name);
    const completedAt = (): number | undefined =>
      strikes.notes(name).find((entry) => entry.note === "first-completion" && entry.pid === newPid)
        ?.at;
    await within(GIVE_UP_MS, () => completedAt() !== undefined);
    const tookMs = Math.max(0, (completedAt() ?? restartedMs + GIVE_UP_MS) - restartedMs);
    completionsMs.push(tookMs);
    history.note("kill", { point, pid, tookMs });
    if (tookMs > lockMs + BEYOND_LOCK_MS)
      violations.push(`kill ${kill + 1} at ${point}: first completion only after ${tookMs} ms`);
    if ((kill + 1) % PROGRESS_KILLS === 0)
      stage.say(
        `${kill + 1} kills: first completion after ${median(completionsMs)} ms (median), ${Math.max(...completionsMs)} ms (longest)`,
      );
  }
  const seconds = (performance.now() - began) / 1_000;
  const { tookMs, outstanding } = await stage.quiesce();
  violations.push(...outstanding, ...(await stage.check()));
  return {
    seconds: Math.round(seconds),
    violations,
    measured: {
      kills: completionsMs.length,
      points,
      firstCompletionMedianMs: median(completionsMs),
      firstCompletionLongestMs: Math.max(0, ...completionsMs),
      writes: stage.target.auditCount() - auditedBefore,
      inStepAfterMs: tookMs,
    },
  };
}

async function within(limitMs: number, probe: () => boolean): Promise<boolean> {
  const began = performance.now();
  while (performance.now() - began < limitMs) {
    if (probe()) return true;
    await sleep(POLL_MS);
  }
  return probe();
}
