import type { Container } from "@azure/cosmos";
import {
  type AgentId,
  LaneTrials,
  laneTrialsId,
  ProcessRecord,
  processRecordId,
} from "@postern/contracts";
import type { TrialBook } from "../ports/ledger";
import { CONFLICTS, guarded } from "./cosmos-outage";

/** Stores one document per lane, in the container of the ledger. */
export function cosmosTrials(container: Container): TrialBook {
  return {
    read: async (lane, signal) => {
      const { resource, etag } = await guarded("reading trials", () =>
        container.item(laneTrialsId, lane).read<LaneTrials>({ abortSignal: signal }),
      );
      if (resource === undefined) return { unit: undefined, trials: [], etag: undefined };
      const parsed = LaneTrials.safeParse(resource);
      // An unreadable record is replaced: at worst an item is tried more often before it is given up.
      const { unit, trials } = parsed.data ?? { unit: undefined, trials: [] };
      return { unit, trials, etag };
    },
    write: async (lane, { unit, trials, etag }, { agent, at }, signal) => {
      const document: LaneTrials = {
        id: laneTrialsId,
        lane,
        agent,
        ...(unit === undefined ? {} : { unit }),
        trials: [...trials],
        at,
      };
      return guarded("writing trials", async () => {
        try {
          const written =
            etag === undefined
              ? await container.items.create(document, { abortSignal: signal })
              : await container.item(laneTrialsId, lane).replace(document, {
                  accessCondition: { type: "IfMatch", condition: etag },
                  abortSignal: signal,
                });
          return written.etag;
        } catch (error) {
          if (CONFLICTS.has(statusOf(error))) return undefined;
          throw error;
        }
      });
    },
    lastProcess: async (agent) => {
      const { resource } = await guarded("reading the process record", () =>
        container.item(processRecordId, partitionOf(agent)).read<ProcessRecord>(),
      );
      return ProcessRecord.safeParse(resource).data;
    },
    noteProcess: async (agent, record) => {
      // No etag is needed: one process at a time has the agent's id, and the newest record is right.
      const document: ProcessRecord = { id: processRecordId, lane: partitionOf(agent), ...record };
      await guarded("writing the process record", () => container.items.upsert(document));
    },
  };
}

function partitionOf(agent: AgentId): string {
  return `agent:${agent}`;
}

function statusOf(error: unknown): number {
  const code: unknown =
    typeof error === "object" && error !== null ? Reflect.get(error, "code") : undefined;
  return typeof code === "number" ? code : 0;
}
