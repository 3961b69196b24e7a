/** The hostile half of a world: the second group, the agent that is in the wrong hands, and the cloud's keys. */
import { checkIntrusion, excusedItems, type IntrudedWorld } from "../hostile/check-intrusion";
import { BEGINNING_MS } from "../clockwork/timeline";
import { beforeTheWorld } from "../hostile/before";
import { leaseOf } from "../hostile/forged-messages";
import { Intruder } from "../hostile/intruder";
import { Knowledge } from "../hostile/knowledge";
import type { HostileChange } from "../plan/hostile-plan";
import { annexDefinition, annexPlace } from "../plan/sim-definition";
import type { FakeBroker } from "../services/fake-broker";
import type { FakeVault } from "../services/fake-vault";
import { Side, type SideWorld } from "./side";

export interface IntrusionWorld extends Omit<SideWorld, "place" | "definition"> {
  readonly vault: FakeVault;
  readonly broker: FakeBroker;
  readonly others: Side;
}

export class Intrusion {
  readonly annex: Side;
  /** Entities that only work of before the world began is about. */
  readonly bygone: ReadonlySet<string>;
  readonly #world: IntrusionWorld;
  readonly #knowledge: Knowledge;
  readonly #intruder: Intruder;
  #blinded = false;

  constructor(world: IntrusionWorld) {
    const { vault, timeline, broker } = world;
    this.#world = world;
    const key = vault.signing("", BEGINNING_MS);
    const before = beforeTheWorld(vault.oldest(), key);
    this.annex = new Side({
      ...world,
      place: annexPlace,
      definition: annexDefinition.id,
      intruding: () => this.#intruder.acting,
      before: [before.moved],
    });
    this.bygone = new Set(["user:bygone"]);
    const { history } = this.annex;
    this.#knowledge = new Knowledge(before, vault.oldest(), history, world.others.history);
    this.#intruder = new Intruder({
      timeline,
      broker,
      knowledge: this.#knowledge,
      lease: leaseOf(key, new Date(BEGINNING_MS).toISOString()),
      note: history.note,
    });
  }

  change(change: HostileChange): void {
    const { vault, timeline } = this.#world;
    const { nowMs } = timeline;
    switch (change.kind) {
      case "intrude":
        return this.#intruder.act(change.trick, change.draw);
      case "rotate-key":
        if (change.blind !== null) {
          vault.blind(change.blind, nowMs, nowMs + change.blindMs);
          this.#blinded = true;
        }
        return vault.rotate(nowMs);
      case "revoke-key":
        return this.#intruder.learn(vault.revoke(nowMs));
    }
  }

  end(): void {
    this.#intruder.leave();
    this.#world.vault.heal();
  }

  excused(side: Side, cycleId: string): number {
    return excusedItems(this.#intruded(), side.history, cycleId);
  }

  problems(): string[] {
    return checkIntrusion(this.#intruded());
  }

  #intruded(): IntrudedWorld {
    const { stores, vault, others } = this.#world;
    return {
      stores,
      vault,
      knowledge: this.#knowledge,
      expectations: this.#intruder.expectations,
      histories: { annex: this.annex.history, others: others.history },
      blinded: this.#blinded,
    };
  }
}
