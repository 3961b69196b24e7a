import type { SeededRandom } from "../../kit/seeded-random";
import type { Place } from "../plan/sim-definition";
import type { SimProcess } from "../clockwork/sim-process";
import type { Wire } from "../clockwork/wire";
import type { CloudStores } from "../services/cloud-stores";
import type { FakeBroker } from "../services/fake-broker";
import type { FakeGraph } from "../services/fake-graph";
import type { FakeVault } from "../services/fake-vault";

/** What surrounds one simulated process of the cloud. */
export interface CloudWorld {
  readonly process: SimProcess;
  readonly wire: Wire;
  readonly random: SeededRandom;
  readonly stores: CloudStores;
  readonly broker: FakeBroker;
  readonly graph: FakeGraph;
  readonly vault: FakeVault;
  readonly graphSlowedMs: () => number;
  readonly place: Pick<Place, "tenant" | "branch" | "groups">;
  readonly log: (line: string | (() => string)) => void;
}
