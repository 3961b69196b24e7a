/** One worker group of a simulated world: its target, its ledger, and what really happened to its work. */
import type { DefinitionId, WorkMessage } from "@postern/contracts";
import type { LedgerStore } from "../agent/agent-instance";
import { History, type Journal } from "../check/history";
import type { Timeline } from "../clockwork/timeline";
import type { Place } from "../plan/sim-definition";
import type { CloudStores } from "../services/cloud-stores";
import { FakeTarget } from "../services/fake-target";

export interface SideWorld {
  readonly keepLines: boolean;
  readonly timeline: Timeline;
  readonly journal: Journal;
  readonly stores: CloudStores;
  readonly place: Place;
  readonly definition: DefinitionId;
  readonly intruding?: () => boolean;
  readonly before?: readonly WorkMessage[];
}

export class Side {
  readonly place: Place;
  readonly history: History;
  readonly target: FakeTarget;
  readonly ledger: LedgerStore = new Map();

  constructor(world: SideWorld) {
    const { timeline, stores, definition, intruding = () => false, before = [] } = world;
    const { keepLines, journal } = world;
    this.place = world.place;
    this.history = new History({
      now: () => timeline.nowMs,
      keepLines,
      journal,
      definition,
      issued: () => {
        const counter = stores.progress.container(definition).documents.get("counter")?.value;
        return Number(counter?.["version"] ?? 0);
      },
      intruding,
      before,
    });
    this.target = new FakeTarget(this.history);
    this.history.watch(this.target);
  }
}
