import type { TargetName } from "@postern/contracts";
import { unknownName } from "../../http/unknown-name";
import { defineJobKind, type JobKindHandler } from "../job-kind";
import { type GroupQueuePorts, sendToGroup } from "./send-to-group";

/** `target.test`: an agent of the group checks that a target can be reached. */
export function targetTestJob(ports: GroupQueuePorts): JobKindHandler {
  return defineJobKind({
    kind: "target.test",
    validate: ({ parameters: { target } }, group) => {
      const targets: readonly TargetName[] = group.targets;
      return targets.includes(target)
        ? []
        : [unknownName("$.parameters.target", `target of group '${group.name}'`, target, targets)];
    },
    dispatch: (job) => sendToGroup(ports, job),
  });
}
