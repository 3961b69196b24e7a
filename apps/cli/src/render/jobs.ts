import { JobList, JobView } from "@postern/contracts";
import { z } from "zod";
import type { View } from "../terminal";
import { toneOf } from "./colour";
import { facts, table } from "./table";
import { count, relative } from "./time";

/** A newer cloud may know kinds of jobs that this program does not; they are shown by name. */
export const ShownJob = JobView.extend({ kind: z.string().max(100) });
type ShownJob = z.infer<typeof ShownJob>;
export const ShownJobs = JobList.extend({ items: z.array(ShownJob) });

export function jobsTable(jobs: readonly ShownJob[], view: View): string {
  return table(
    [
      { title: "JOB", value: ({ id }) => id },
      { title: "KIND", value: ({ kind }) => kind },
      { title: "GROUP", value: ({ group }) => group, least: 6 },
      { title: "STATE", value: ({ state }) => state, tone: ({ state }) => toneOf(state) },
      { title: "CREATED", value: ({ createdAt }) => relative(createdAt, view.now) },
      { title: "BY", value: ({ createdBy }) => createdBy, least: 8 },
      { title: "RESULT", value: ({ result }) => result?.detail ?? "", least: 10 },
    ],
    jobs,
    view,
  );
}

export function jobText(job: ShownJob, view: View): string {
  const { result } = job;
  return facts(
    [
      ["job", job.id, "strong"],
      ["kind", job.kind],
      ["group", job.group],
      ["state", job.state, toneOf(job.state)],
      ["parameters", JSON.stringify(job.parameters)],
      ["created", `${relative(job.createdAt, view.now)} by ${job.createdBy}`],
      ["deadline", relative(job.deadline, view.now)],
      ...job.attempts.map(
        ({ attempt, agent, leasedAt, endedAt }) =>
          [
            `attempt ${attempt}`,
            `${agent}, ${relative(leasedAt, view.now)}${endedAt === null ? ", running" : ""}`,
          ] as const,
      ),
      ...(job.expectedItems === undefined ? [] : [["items", count(job.expectedItems)] as const]),
      ...Object.entries(job.outcomes ?? {}).map(
        ([outcome, items]) => [outcome, count(items)] as const,
      ),
      ...(result === null ? [] : [["result", result.detail, result.ok ? "good" : "bad"] as const]),
      ...(result?.code === undefined ? [] : [["code", result.code] as const]),
      ...Object.entries(result?.data ?? {}).map(([name, value]) => [name, String(value)] as const),
    ],
    view,
  );
}
