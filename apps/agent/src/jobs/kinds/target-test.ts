import { clip, TargetTestParameters } from "@postern/contracts";
import { masked } from "@postern/input";
import { textLimits } from "../../ports/text-limits";
import type { JobHandler } from "./handler";

/** `target.test`: probes a target now and reports whether it answers and lets the agent in. */
export const targetTest: JobHandler = {
  kind: "target.test",
  run: async (parameters, signal, { targets }) => {
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
    const reason = probe.reason ?? "no reason given";
    return {
      ok: false,
      code: "target-unreachable",
      detail: clip(masked(`'${name}' does not answer: ${reason}`), textLimits.jobDetailChars),
      data,
    };
  },
};
