import type { Container, Database } from "@azure/cosmos";
import { containers, historyTtlSeconds, JobId } from "@postern/contracts";
import { z } from "zod";
import { JobRecord } from "./job";
import type { JobStore } from "./job-ports";
import { documentContainer } from "../azure/document-container";
import { keysetPage } from "../azure/keyset-page";

const StoredKeyClaim = z.object({
  id: z.string(),
  type: z.literal("idempotency-key"),
  jobId: JobId,
  fingerprint: z.string(),
  ttl: z.int(),
});

const IdOnly = z.object({ id: JobId });
/** Jobs of one heartbeat are read this many to a query, to limit the query's text. */
const IDS_PER_QUERY = 200;

/** Jobs and the idempotency keys that made them, container `jobs`. */
export function createJobStore(database: Database): JobStore {
  const container: Container = database.container(containers.jobs);
  const jobs = documentContainer(container, JobRecord);
  const keys = documentContainer(container, StoredKeyClaim);
  const ids = documentContainer(container, IdOnly);
  return {
    claimKey: async (claim) => {
      // Ends before its job does: a job is kept that long after its end.
      const document = { ...claim, type: "idempotency-key" as const, ttl: historyTtlSeconds };
      const created = await keys.create(document);
      return created === undefined
        ? ((await keys.read(claim.id, claim.id))?.value ?? claim)
        : created.value;
    },
    create: (job) => jobs.create(job),
    read: (id) => jobs.read(id, id),
    readMany: async (wanted) => {
      const found = new Map<JobId, JobRecord>();
      for (let at = 0; at < wanted.length; at += IDS_PER_QUERY) {
        const some = wanted.slice(at, at + IDS_PER_QUERY);
        const parameters = some.map((value, index) => ({ name: `@id${index}`, value }));
        // IN, since it uses the index; ARRAY_CONTAINS over a parameter does not.
        const names = parameters.map(({ name }) => name).join(", ");
        const documents = await jobs.query({
          query: `SELECT * FROM c WHERE c.type = 'job' AND c.id IN (${names})`,
          parameters,
        });
        for (const job of documents) found.set(job.id, job);
      }
      return found;
    },
    replace: (job, etag) => jobs.replace(job, job.id, etag),
    list: (options) =>
      keysetPage(jobs, {
        where: ["c.type = 'job'"],
        parameters: [],
        order: "DESC",
        ...options,
      }),
    overdue: async ({ now, unsentSince, limit }) => {
      const found = await ids.query({
        query: `SELECT TOP ${limit} c.id FROM c WHERE c.type = 'job' AND c.state IN ('queued', 'running')
          AND (c.deadline <= @now OR c.leaseUntil <= @now
            OR (c.state = 'queued' AND IS_NULL(c.dispatchedAt) AND c.createdAt <= @unsentSince))
          ORDER BY c.id`,
        parameters: [
          { name: "@now", value: now },
          { name: "@unsentSince", value: unsentSince },
        ],
      });
      return found.map(({ id }) => id);
    },
  };
}
