/**
 * kill -9 of one process, over and over, each time at the next named point. Between two kills it must bring to its end
 * what it is there for: how long that takes after it was started again is measured.
 */
import type { ChaosStage } from "../stage/chaos-stage";
import { lockMs } from "../stage/stage-parts";
import { median } from "../../kit/median";
import type { ScenarioResult } from "./scenario";
import { agentPoints, cloudPoints } from "../faults/strikes";

export interface KillPlan {
  readonly process: "agent" | "functions";
  readonly points: readonly string[];
  /** The point at which it has done its work again. */
  readonly completion: string;
  /** An order is carried out at one of the first this many passages of its point. */
  readonly mostHits: number;
  readonly completesWithinMs: number;
  /** Brings about what leads to a point that ordinary work does not pass; also when it has been passed. */
  readonly provoke?: (stage: ChaosStage, point: string) => Promise<void>;
}

/** First completion after the restart: lock time and this. */
const BEYOND_LOCK_MS = 10_000;

export const killPlans = {
  /** A unit is settled. */
  agent: {
    process: "agent",
    points: agentPoints,
    completion: "after-settle",
    mostHits: 5,
    completesWithinMs: lockMs + BEYOND_LOCK_MS,
  },
  /**
   * A page is committed. The message of the run that was killed comes again when its lock has run out, or it finds the
   * next tick's: the claim is its own.
   */
  functions: {
    process: "functions",
    points: cloudPoints,
    completion: "after-commit",
    mostHits: 1,
    completesWithinMs: lockMs + BEYOND_LOCK_MS,
    provoke: provokeFunctions,
  },
} as const satisfies Record<string, KillPlan>;

/**
 * A run between two polls continues with the claim that its process holds; a requested cycle takes a new one. It is
 * continued later when Graph asks it to wait.
 */
async function provokeFunctions(
  { platform, definition }: ChaosStage,
  point: string,
): Promise<void> {
  const throttled = point.endsWith("-continuation");
  if (!throttled && !point.endsWith("-claim")) return;
  await platform.disarm("graph");
  if (throttled) await platform.arm("graph", { kind: "throttle", times: 3, retryAfterMs: 500 });
  // Refused or cut off while the host restarts: try again.
  const params = { id: definition.id };
  await platform.api.call("startCycle", { params }).catch(() => undefined);
}

const POLL_MS = 10;
const PROVOKE_EVERY_MS = 5_000;
/** Work is always waiting: a point that is not reached within this means that the process stands still. */
const STRUCK_WITHIN_MS = 30_000;
const GIVE_UP_MS = 60_000;
const PROGRESS_KILLS = 12;

export async function killPoints(
  stage: ChaosStage,
  plan: KillPlan,
  kills: number,
): Promise<ScenarioResult> {
  const { strikes, history } = stage;
  const name = plan.process;
  const random = stage.random.fork("kill points");
  const violations: string[] = [];
  const completionsMs: number[] = [];
  const points: Record<string, number> = {};
  const began = performance.now();
  const auditedBefore = await stage.target.auditCount();
  stage.workload.start();
  for (let kill = 0; kill < kills && !stage.interrupted; kill += 1) {
    const point = plan.points[kill % plan.points.length] ?? "";
    const hit = random.between(1, plan.mostHits);
    const id = strikes.order(name, { point, hit, act: "kill" });
    const pid = stage.pid(name);
    if (!(await struckWithin(stage, plan, point, id))) {
      const wasTaken = !strikes.withdraw(name) && strikes.struck(name, id);
      if (stage.interrupted && !wasTaken) break;
      if (!wasTaken) {
        violations.push(`kill ${kill + 1}: ${point} was not reached within 30 s`);
        continue;
      }
    }
    stage.noteEnded(name);
    points[point] = (points[point] ?? 0) + 1;
    await stage.runsAgain(name, pid);
    const restartedMs = Date.now();
    const newPid = stage.pid(name);
    const completedAt = (): number | undefined =>
      strikes
        .notes(name)
        .find(
          (entry) =>
            entry.note === "first-completion" &&
            entry.pid === newPid &&
            entry.point === plan.completion,
        )?.at;
    const completed = await within(stage, GIVE_UP_MS, () => completedAt() !== undefined);
    if (!completed && stage.interrupted) break;
    const tookMs = Math.max(0, (completedAt() ?? restartedMs + GIVE_UP_MS) - restartedMs);
    completionsMs.push(tookMs);
    history.note("kill", { point, pid, tookMs });
    if (tookMs > plan.completesWithinMs)
      violations.push(`kill ${kill + 1} at ${point}: first completion only after ${tookMs} ms`);
    if ((kill + 1) % PROGRESS_KILLS === 0)
      stage.say(
        `${kill + 1} kills: first completion after ${median(completionsMs)} ms (median), ${Math.max(...completionsMs)} ms (longest)`,
      );
  }
  const seconds = (performance.now() - began) / 1_000;
  const end = await stage.finish();
  violations.push(...end.violations);
  return {
    seconds: Math.round(seconds),
    violations,
    measured: {
      kills: completionsMs.length,
      points,
      firstCompletionMedianMs: median(completionsMs),
      firstCompletionLongestMs: Math.max(0, ...completionsMs),
      writes: (await stage.target.auditCount()) - auditedBefore,
      inStepAfterMs: end.inStepAfterMs,
    },
  };
}

async function struckWithin(
  stage: ChaosStage,
  plan: KillPlan,
  point: string,
  id: string,
): Promise<boolean> {
  const isStruck = (): boolean => stage.strikes.struck(plan.process, id);
  for (let waitedMs = 0; waitedMs < STRUCK_WITHIN_MS && !stage.interrupted;) {
    await plan.provoke?.(stage, point);
    if (await within(stage, PROVOKE_EVERY_MS, isStruck)) break;
    waitedMs += PROVOKE_EVERY_MS;
  }
  if (plan.provoke !== undefined) await stage.platform.disarm("graph");
  return isStruck();
}

async function within(stage: ChaosStage, limitMs: number, probe: () => boolean): Promise<boolean> {
  const began = performance.now();
  while (performance.now() - began < limitMs && !stage.interrupted) {
    if (probe()) return true;
    await stage.pause(POLL_MS);
  }
  return probe();
}
