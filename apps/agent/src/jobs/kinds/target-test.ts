import { TargetTestParameters } from "@postern/contracts";
import type { TargetPort } from "../../ports/agent-ports";
import type { JobHandler } from "./registry";

/** `target.test`: asks a target, here and now, whether it answers and lets the agent in. */
export function targetTest(targets: ReadonlyMap<string, TargetPort>): JobHandler {
  return {
    kind: "target.test",
    run: async (parameters, signal) => {
      const { target: name } = TargetTestParameters.parse(parameters);
      const target = targets.get(name);
      if (target === undefined) {
        const known = [...targets.keys()].join(", ");
        return {
          ok: false,
          code: "target-unknown",
          detail: `This agent has no target '${name}' in its settings; it has ${known === "" ? "none" : known}.`,
        };
      }
      const probe = await target.probe({ signal, thorough: true });
      const data = {
        target: name,
        connector: target.kind,
        product: probe.product ?? null,
        durationMs: Math.round(probe.durationMs * 10) / 10,
      };
      if (probe.reachable) {
        const product = probe.product === undefined ? "" : ` (${probe.product})`;
        return { ok: true, detail: `'${name}' answers${product} in ${data.durationMs} ms.`, data };
      }
      return {
        ok: false,
        code: "target-unreachable",
        detail: `'${name}' does not answer: ${probe.reason ?? "no reason given"}`.slice(0, 2_000),
        data,
      };
    },
  };
}
