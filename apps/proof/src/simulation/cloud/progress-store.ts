import type { ProgressStore } from "@postern/cloud";
import {
  checkpointId,
  type Checkpoint,
  type Cycle,
  type DefinitionCounter,
  type DefinitionId,
  type Marker,
} from "@postern/contracts";
import type { CloudWorld } from "./cloud-world";
import { cosmosFailure } from "./cosmos-wire";

export function progressStore({ wire, stores, process, log }: CloudWorld): ProgressStore {
  const { progress: store } = stores;
  const point = <T>(definition: DefinitionId, id: string) =>
    wire.ask({
      service: "cosmos",
      operation: "read progress",
      effect: (struck) => {
        const found = store.container(definition).read(id, struck === "stale");
        return found === undefined ? undefined : { value: found.value as T, etag: found.etag };
      },
      failure: cosmosFailure,
    });
  return {
    checkpoint: (definition, stream) => point<Checkpoint>(definition, checkpointId(stream)),
    counter: (definition) => point<DefinitionCounter>(definition, "counter"),
    committed: (definition, versions) =>
      wire.ask({
        service: "cosmos",
        operation: "read progress",
        effect: () =>
          new Set(
            versions.filter((version) => store.container(definition).read(`page:${version}`)),
          ),
        failure: cosmosFailure,
      }),
    cycle: (definition, cycleId) => point<Cycle>(definition, `cycle:${cycleId}`),
    cycles: (definition, { limit }) =>
      wire.ask({
        service: "cosmos",
        operation: "query progress",
        effect: () => ({ items: store.cycles(definition).slice(0, limit), continuation: null }),
        failure: cosmosFailure,
      }),
    openCycles: (definition, { limit, after }) =>
      wire.ask({
        service: "cosmos",
        operation: "query progress",
        effect: () => store.openCycles(definition, after).slice(0, limit),
        failure: cosmosFailure,
      }),
    history: (definition, cycles) =>
      wire.ask({
        service: "cosmos",
        operation: "query progress",
        effect: () => store.history(definition, cycles),
        failure: cosmosFailure,
      }),
    transact: (definition, operations) =>
      wire.ask({
        service: "cosmos",
        operation: "transact",
        effect: (struck) => {
          const result = store.transact(definition, operations);
          log(`${process.name} transact ${result.ok ? "ok" : result.reason} ${operations.length}`);
          if (struck !== "conflict-with-itself" || !result.ok) return result;
          const met = operations.findIndex(
            (each) => each.kind === "create" || each.etag !== undefined,
          );
          if (met < 0) return result;
          const reason = operations[met]?.kind === "create" ? "exists" : "changed";
          return { ok: false, failedAt: met, reason };
        },
        failure: cosmosFailure,
      }),
    marker: async (definition, id) => (await point<Marker>(definition, id))?.value,
    createMarkers: (markers) =>
      wire.ask({
        service: "cosmos",
        operation: "create markers",
        effect: (struck) => {
          const taken = struck === "half" ? markers.slice(0, markers.length / 2) : markers;
          const created = taken.map((marker) => {
            const container = store.container(marker.definition);
            return container.write(marker.id, marker, undefined) !== undefined;
          });
          if (struck === "half") throw cosmosFailure("throttling", undefined);
          return created;
        },
        failure: cosmosFailure,
      }),
  };
}
