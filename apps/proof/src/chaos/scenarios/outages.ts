/**
 * Broker and Cosmos become unreachable for the whole product, repeatedly, for long and short times. After each outage
 * the target must see a write again within 15 s of the end.
 */
import type { ChaosStage } from "../stage/chaos-stage";
import type { ProxiedConnection } from "../faults/connections";
import type { FaultKind } from "../faults/fault-proxy";
import { median } from "../../kit/median";
import type { ScenarioResult } from "./scenario";

const series = [
  { count: 10, cutMs: 30_000 },
  { count: 40, cutMs: 2_000 },
] as const;
const RESUME_WITHIN_MS = 15_000;
/** Beyond this it is a hang. */
const GIVE_UP_MS = 120_000;
const POLL_MS = 20;
const BETWEEN_MS = 1_500;

const services: Readonly<Record<string, readonly ProxiedConnection[]>> = {
  broker: ["functions-service-bus", "agent-service-bus"],
  cosmos: ["functions-cosmos", "agent-cosmos"],
};

/** Refused, and unanswered: the two ways in which a service is away. */
const ways: readonly FaultKind[] = ["outage", "black-hole"];

export async function outages(stage: ChaosStage, scale: number): Promise<ScenarioResult> {
  const violations: string[] = [];
  const resumedMs: Record<string, number[]> = { "30 s": [], "2 s": [] };
  let hangs = 0;
  const began = performance.now();
  const auditedBefore = await stage.target.auditCount();
  stage.workload.start();
  let turn = 0;
  for (const { count, cutMs } of series) {
    for (let round = 0; round < Math.max(1, Math.round(count * scale)); round += 1) {
      if (stage.interrupted) break;
      const [service, connections] = stage.random.pick(Object.entries(services));
      const way = ways[turn % ways.length] ?? "outage";
      turn += 1;
      for (const connection of connections) stage.connections.at(connection).inject(way);
      await stage.pause(cutMs);
      const written = await stage.target.auditCount();
      for (const connection of connections) stage.connections.at(connection).heal();
      const healedAt = performance.now();
      while (
        (await stage.target.auditCount()) === written &&
        performance.now() - healedAt < GIVE_UP_MS &&
        !stage.interrupted
      )
        await stage.pause(POLL_MS);
      if (stage.interrupted) break;
      const tookMs = Math.round(performance.now() - healedAt);
      resumedMs[`${cutMs / 1_000} s`]?.push(tookMs);
      stage.history.note("outage", { service, way, cutMs, resumedAfterMs: tookMs });
      stage.say(`${service} away (${way}) for ${cutMs / 1_000} s: next write after ${tookMs} ms`);
      if (tookMs >= GIVE_UP_MS) hangs += 1;
      if (tookMs > RESUME_WITHIN_MS)
        violations.push(
          `${service} away (${way}) for ${cutMs / 1_000} s: next write only after ${tookMs} ms`,
        );
      await stage.pause(BETWEEN_MS);
    }
  }
  const seconds = (performance.now() - began) / 1_000;
  const end = await stage.finish();
  violations.push(...end.violations);
  return {
    seconds: Math.round(seconds),
    violations,
    measured: {
      ...Object.fromEntries(
        Object.entries(resumedMs).flatMap(([cut, times]) => [
          [`outages of ${cut}`, times.length],
          [`resumed after ${cut}, median ms`, median(times)],
          [`resumed after ${cut}, longest ms`, Math.max(0, ...times)],
        ]),
      ),
      hangs,
      writes: (await stage.target.auditCount()) - auditedBefore,
      inStepAfterMs: end.inStepAfterMs,
    },
  };
}
