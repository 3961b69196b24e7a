import type { CycleId, CycleView, DefinitionId, JobId, OutcomeCounts } from "@postern/contracts";
import { viewCycle } from "./cycle-views";
import type { SyncPorts } from "../ports/cloud-ports";

/** Reports to an on-demand job how far its cycle is. Does nothing when the cycle no longer exists. */
export async function reportJobProgress(
  ports: Pick<SyncPorts, "progress" | "clock" | "jobs">,
  job: { readonly jobId: JobId; readonly definition: DefinitionId; readonly cycleId: CycleId },
): Promise<void> {
  const view = await viewCycle(ports, job.definition, job.cycleId);
  if (view === undefined) return;
  await ports.jobs.recordProgress(job.jobId, {
    expectedItems: view.enqueued + view.held,
    outcomes: outcomesOf(view),
    complete: view.state === "completed",
  });
}

/** The totals of a cycle as a job lists them: outcomes without an item are left out. */
function outcomesOf(view: CycleView): OutcomeCounts {
  const all = {
    applied: view.applied,
    unchanged: view.unchanged,
    superseded: view.superseded,
    held: view.held,
    "dead-lettered": view.deadLettered,
    cancelled: view.cancelled,
    "outcome-unknown": view.outcomeUnknown,
    waiting: view.waiting,
  };
  return Object.fromEntries(Object.entries(all).filter(([, count]) => count > 0));
}
