import { describe, expect, test } from "@jest/globals";
import {
  type DefinitionId,
  type GroupName,
  type JobId,
  JobRequest,
  type SyncDefinition,
  type TargetName,
} from "@postern/contracts";
import { type JobRecord, newJob } from "../../jobs/job";
import { jobKindRegistry } from "../../jobs/job-kind";
import { targetTestJob } from "../../jobs/kinds/target-test";
import { entitiesJob } from "./entities-job";

const group = { name: "main" as GroupName, targets: ["hr" as TargetName] };
const definition = { id: "people", group: "main", users: {} } as unknown as SyncDefinition;

function job(entities: readonly object[], id = "people"): JobRequest {
  const parameters = { definition: id, entities };
  return JobRequest.parse({ kind: "sync.entities", group: "main", parameters });
}

function kindWith(startOnDemand: () => Promise<boolean>) {
  const record = {
    value: { id: "people" as DefinitionId, definition, appliedAt: "", resyncDue: false },
    etag: "1",
  };
  return entitiesJob({ definitions: { list: async () => [record] }, startOnDemand });
}
const kind = kindWith(async () => true);

describe("a job of kind sync.entities", () => {
  test("names a definition, mapped types and valid ids", async () => {
    const fields = async (request: JobRequest) =>
      (await kind.validate(request, group)).map(({ field }) => field);
    expect(await fields(job([{ type: "user", id: "u1" }]))).toEqual([]);
    expect(await fields(job([{ type: "user", id: "u1" }], "other"))).toEqual([
      "$.parameters.definition",
    ]);
    expect(
      await fields(
        job([
          { type: "group", id: "g1" },
          { type: "user", id: ".." },
        ]),
      ),
    ).toEqual(["$.parameters.entities[0].type", "$.parameters.entities[1].id"]);
  });

  test("fails when its definition no longer exists", async () => {
    const request = job([{ type: "user", id: "u1" }]);
    const made: JobRecord = newJob({
      id: "j1" as JobId,
      request,
      createdBy: "Pat",
      traceparent: null,
      now: 0,
    });
    expect(await kind.dispatch(made)).toEqual({ sent: true });
    const gone = await kindWith(async () => false).dispatch(made);
    expect(gone).toEqual({ sent: false, detail: "The sync definition no longer exists." });
  });
});

test("the registry refuses to start without a handler for each kind", async () => {
  expect(() => jobKindRegistry([kind])).toThrow(
    new RangeError("job kind 'target.test' has no handler"),
  );
  const targetTest = targetTestJob({} as Parameters<typeof targetTestJob>[0]);
  const registry = jobKindRegistry([kind, targetTest]);
  const request = JobRequest.parse({
    kind: "target.test",
    group: "main",
    parameters: { target: "hrr" },
  });
  expect(await registry("target.test").validate(request, group)).toMatchObject([
    { field: "$.parameters.target", hint: "did you mean 'hr'?" },
  ]);
  await expect(registry("sync.entities").validate(request, group)).rejects.toThrow(RangeError);
});
