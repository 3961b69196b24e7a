/** Parked messages over the fake services, for one simulated process. */
import type { ParkedPorts, ParkedStore, SyncPorts } from "@postern/cloud";
import type { CloudWorld } from "./cloud-world";
import { askCosmos } from "./cosmos-wire";

export function parkedPorts<Ports extends SyncPorts>(
  world: Pick<CloudWorld, "wire" | "stores">,
  ports: Ports,
): Ports & ParkedPorts {
  return { ...ports, parked: parkedStore(world), agents: { list: noAgents } };
}

/** Heartbeats are not simulated. */
const noAgents = async (): Promise<{ readonly items: []; readonly next: null }> => ({
  items: [],
  next: null,
});

function parkedStore({ wire, stores }: Pick<CloudWorld, "wire" | "stores">): ParkedStore {
  const { parked: container } = stores;
  return {
    add: (records) =>
      askCosmos(wire, "write parked", () =>
        records.forEach((record) => container.write(record.id, record, undefined)),
      ),
    waiting: (group, after = "") =>
      askCosmos(wire, "read parked", () =>
        [...container.documents.values()]
          .filter(({ value }) => value.group === group && value.state === "parked")
          .filter(({ value }) => value.id > after)
          .sort((a, b) => (a.value.id < b.value.id ? -1 : 1)),
      ),
    replace: (record, etag) =>
      askCosmos(wire, "write parked", () => container.write(record.id, record, etag) !== undefined),
    list: async () => ({ items: [], next: null }),
    find: async (id) => container.read(id)?.value,
  };
}
