import { createHash } from "node:crypto";
import { type FieldProblem, type JobId, type JobRequest, PosternError } from "@postern/contracts";
import { timeSortedId } from "@postern/runtime";
import { unknownName } from "../http/unknown-name";
import { type JobRecord, newJob } from "./job";
import { changeJob } from "./job-change";
import { dispatchJob } from "./job-dispatch";
import type { JobPorts } from "./job-ports";

export interface JobOrder {
  readonly request: JobRequest;
  readonly idempotencyKey: string | undefined;
  readonly caller: { readonly oid: string; readonly azp: string; readonly name: string };
  readonly traceparent: string | null;
}

/**
 * Accepts a job. With an idempotency key, the claim of the key is stored first and decides which job the key means: two
 * concurrent requests both continue with the same job id, and only one of them creates it.
 *
 * @throws PosternError `idempotency-mismatch` when the caller used the key for another request
 */
export async function acceptJob(ports: JobPorts, order: JobOrder): Promise<JobRecord> {
  const { request, caller, idempotencyKey, traceparent } = order;
  const now = ports.clock.now();
  let id = newJobId(now, () => ports.random.next());
  if (idempotencyKey !== undefined) {
    const fingerprint = sha256(JSON.stringify(request));
    const claim = await ports.jobStore.claimKey({
      // Keys belong to one caller: no caller can meet, or probe for, another's.
      id: `key:${sha256(JSON.stringify([caller.oid, caller.azp, idempotencyKey]))}`,
      jobId: id,
      fingerprint,
    });
    if (claim.fingerprint !== fingerprint) {
      throw new PosternError(
        "idempotency-mismatch",
        `This Idempotency-Key was used for job ${claim.jobId}, which is a different request; use a new key.`,
      );
    }
    id = claim.jobId;
  }
  const stored =
    (await ports.jobStore.create(
      newJob({ id, request, createdBy: caller.name, traceparent, now }),
    )) ?? (await changeJob(ports, id));
  if (stored === undefined)
    throw new PosternError("conflict", `Job ${id} has just been removed; use a new key.`);
  return dispatchJob(ports, stored);
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** Names in a request that do not exist in this branch. */
export async function jobRequestProblems(
  { stamp, kinds }: Pick<JobPorts, "stamp" | "kinds">,
  request: JobRequest,
): Promise<readonly FieldProblem[]> {
  const group = stamp.groups.find(({ name }) => name === request.group);
  if (group === undefined) {
    const names = stamp.groups.map(({ name }) => name);
    return [unknownName("$.group", "worker group", request.group, names)];
  }
  return kinds(request.kind).validate(request, group);
}

/** @param next gives 0 <= value < 1 */
export function newJobId(nowMs: number, next: () => number): JobId {
  return `j${timeSortedId(nowMs, next)}` as JobId;
}
