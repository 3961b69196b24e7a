import { hostname } from "node:os";
import {
  type BranchId,
  type GroupName,
  type Heartbeat,
  JOB_MESSAGE_TYPE,
  type TargetHealth,
} from "@postern/contracts";
import { timestamp } from "@postern/runtime";

/** Characters of a host name in a heartbeat; DNS names are no longer than this. */
const HOST_CHARS = 255;

/** What an agent reports about itself. Values that change are passed in for each heartbeat. */
export interface AgentFacts {
  readonly group: GroupName;
  readonly branch: BranchId;
  readonly version: string;
  readonly startedAtMs: number;
  /** Types of work messages that the agent reads. */
  readonly workTypes: Iterable<string>;
  readonly state: Heartbeat["state"];
  readonly targets: readonly TargetHealth[];
  readonly itemsFinished: number;
  readonly lanesHeld: number;
  readonly jobs: Heartbeat["jobs"];
}

export function heartbeatSnapshot(facts: AgentFacts): Heartbeat {
  return {
    group: facts.group,
    branch: facts.branch,
    host: hostname().slice(0, HOST_CHARS),
    version: facts.version,
    capabilities: [...facts.workTypes, JOB_MESSAGE_TYPE],
    startedAt: timestamp(facts.startedAtMs),
    state: facts.state,
    targets: [...facts.targets],
    itemsFinished: facts.itemsFinished,
    lanesHeld: facts.lanesHeld,
    jobs: facts.jobs,
  };
}
