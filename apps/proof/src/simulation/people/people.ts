/** People in a simulated world: what they repeatedly change in the directory and request from the cloud. */
import {
  applyDefinition,
  type DeadLetterPorts,
  releaseHolds,
  startCycle,
  startOnDemand,
  type SyncPorts,
} from "@postern/cloud";
import type { EntityRef, JobId, SyncDefinition } from "@postern/contracts";
import type { CloudStores } from "../services/cloud-stores";
import type { FakeGraph } from "../services/fake-graph";
import type { FakeTarget } from "../services/fake-target";
import type { History } from "../check/history";
import { askForLetters } from "./letter-clerk";
import type { HostileChange } from "../plan/hostile-plan";
import type { Change, Plan } from "../plan/plan";
import type { SeededRandom } from "../../kit/seeded-random";
import { WIDE_CHARS } from "../plan/hostile-plan";
import { annexDefinition, definition, remapped, resynced } from "../plan/sim-definition";
import type { Timeline } from "../clockwork/timeline";

export interface PeopleWorld {
  readonly plan: Plan;
  readonly timeline: Timeline;
  readonly history: History;
  readonly random: SeededRandom;
  readonly stores: CloudStores;
  readonly graph: FakeGraph;
  readonly target: FakeTarget;
  /** Of an instance of the cloud; undefined while it does not answer. */
  readonly portsOf: (instance: string) => (SyncPorts & DeadLetterPorts) | undefined;
  /** What nobody in the directory does: a hostile agent, keys. */
  readonly intrude: (change: HostileChange) => void;
}

interface Request {
  readonly name: string;
  /** Asks once, whatever the answer. */
  readonly givesUp?: boolean;
  readonly act: (ports: SyncPorts & DeadLetterPorts) => Promise<unknown>;
}

export class People {
  readonly #world: PeopleWorld;
  #definition: SyncDefinition = definition;
  #annexDefinition: SyncDefinition = annexDefinition;
  #resyncs = 0;
  #released = 0;
  #asked = 0;

  constructor(world: PeopleWorld) {
    this.#world = world;
  }

  /** As it was applied last. */
  get definition(): SyncDefinition {
    return this.#definition;
  }

  /** Of the hostile agent's group, as it was applied last. */
  get annexDefinition(): SyncDefinition {
    return this.#annexDefinition;
  }

  /** Holds that were asked to be released. */
  get released(): number {
    return this.#released;
  }

  begin(): void {
    this.#apply("apply", definition);
    if (this.#world.plan.hostile) this.#applyAnnex();
  }

  #applyAnnex(): void {
    this.#ask({
      name: "apply annex",
      act: async (ports) => {
        const asked = this.#annexDefinition;
        await applyDefinition(ports, asked, {});
        if (asked !== this.#annexDefinition) this.#applyAnnex();
      },
    });
  }

  /** Everything is sent again. */
  #resync(): void {
    this.#resyncs += 1;
    this.#annexDefinition = resynced(this.#annexDefinition, this.#resyncs);
    this.#applyAnnex();
    this.#apply("resync", resynced(this.#definition, this.#resyncs));
  }

  #apply(name: string, definition: SyncDefinition): void {
    this.#definition = definition;
    this.#ask({
      name,
      act: async (ports) => {
        // What is right by then: who asks again must not bring back what was changed since.
        const asked = this.#definition;
        await applyDefinition(ports, asked, {});
        // Two requests at once may be done in either order: who hears of the older one makes sure of the newer.
        if (asked !== this.#definition) this.#apply("again", this.#definition);
      },
    });
  }

  #switch(enabled: boolean): void {
    if (this.#definition.enabled === enabled) return;
    this.#apply(enabled ? "enable" : "disable", { ...this.#definition, enabled });
  }

  /** What the target refused for a time is corrected, and what is open is sent again. */
  heal(): void {
    const { plan, stores } = this.#world;
    this.#switch(true);
    // What the hostile agent said of its own group's work, nobody knows to be true.
    if (plan.hostile) this.#resync();
    if (plan.refused.length === 0) return;
    for (const entity of plan.refused) this.#mend(entity);
    const letters = [...stores.deadLetters.values()];
    const open = letters.flatMap(({ id, state }) => (state === "open" ? [id] : []));
    this.#askForLetters("replay", open, false);
  }

  furnish(): void {
    const { users, wide, groups, poison, refused, dependent } = this.#world.plan;
    for (const id of wide) {
      this.#createUser(id);
      this.#world.graph.set(id, "displayName", `${id} ${"x".repeat(WIDE_CHARS)}`);
    }
    for (const id of users) this.#createUser(id);
    for (const { id, members } of groups) this.#createGroup(id, members);
    for (const entity of [...poison, ...refused]) this.#world.target.poison.add(entity);
    for (const { entity, untilMs } of dependent) this.#world.target.dependent.set(entity, untilMs);
  }

  #createUser(id: string): void {
    this.#world.graph.create("user", id, {
      displayName: "name 0",
      department: this.#world.random.pick(["Sales", "Works", "Works", "External"]),
      accountEnabled: true,
    });
  }

  #createGroup(id: string, members: readonly string[]): void {
    this.#world.graph.create("group", id, { displayName: "name 0" });
    for (const member of members) this.#world.graph.setMember(id, member, memberType(member), true);
  }

  change(change: Change): void {
    const graph = this.#world.graph;
    this.#world.history.note(`change ${JSON.stringify(change)}`);
    switch (change.kind) {
      case "set":
        return graph.set(change.id, change.name, change.value);
      case "manager":
        return graph.setManager(change.id, change.manager);
      case "member":
        return graph.setMember(
          change.group,
          change.member,
          memberType(change.member),
          change.present,
        );
      case "remove":
        for (const id of change.ids) graph.remove(id, change.reason);
        return;
      case "restore":
        return graph.restore(change.id);
      case "create-user":
        return this.#createUser(change.id);
      case "create-group":
        return this.#createGroup(change.id, change.members);
      case "release":
        return this.#release(change.share);
      case "request-cycle":
        return this.#ask({ name: "cycle", act: (ports) => startCycle(ports, definition.id) });
      case "on-demand": {
        this.#asked += 1;
        const jobId = `job-${this.#asked}` as JobId;
        const entities = change.ids.map((id): EntityRef => ({
          type: memberType(id) === "group" ? "group" : "user",
          id,
        }));
        const job = { jobId, definition: definition.id, entities };
        return this.#ask({ name: jobId, act: (ports) => startOnDemand(ports, job) });
      }
      case "mend":
        return this.#mend(change.entity);
      case "replay":
      case "discard": {
        const all = [...this.#world.stores.deadLetters.documents.keys()];
        const some = all.slice(0, Math.ceil(all.length * change.share));
        return this.#askForLetters(change.kind, some, change.givesUp);
      }
      case "disable":
        this.#switch(false);
        this.#world.timeline.after(change.forMs, () => this.#switch(true));
        return;
      case "remap":
        return this.#apply("remap", this.#remapped());
      case "intrude":
      case "rotate-key":
        return this.#world.intrude(change);
      case "revoke-key":
        this.#world.intrude(change);
        return this.#resync();
    }
  }

  #remapped(): SyncDefinition {
    const next = { ...remapped, enabled: this.#definition.enabled };
    return this.#resyncs === 0 ? next : resynced(next, this.#resyncs);
  }

  #release(share: number): void {
    const all = [...this.#world.stores.holds.of(definition.id).documents.keys()];
    const holds = all.slice(0, Math.ceil(all.length * share));
    this.#released += holds.length;
    this.#ask({
      name: "release",
      act: (ports) => releaseHolds(ports, definition.id, { holds }),
    });
  }

  #mend(entity: string): void {
    if (!this.#world.plan.poison.includes(entity)) this.#world.target.poison.delete(entity);
  }

  #askForLetters(kind: "replay" | "discard", ids: readonly string[], givesUp: boolean): void {
    if (ids.length === 0) return;
    this.#asked += 1;
    const request = { kind, ids, reason: "corrected", traceId: `trace-${this.#asked}` };
    this.#ask({ name: kind, givesUp, act: (ports) => askForLetters(ports, request) });
  }

  /** Tries again until it is done, as a person would who sees an error or no answer. */
  #ask(request: Request): void {
    let answered = false;
    const name = this.#world.random.pick(["cloud-1", "cloud-2"]);
    const ports = this.#world.portsOf(name);
    if (ports !== undefined) {
      this.#world.history.note(`person: ${request.name} at ${name}`);
      request.act(ports).then(
        () => {
          answered = true;
        },
        (error: unknown) =>
          this.#world.history.note(`person: ${request.name} failed: ${String(error)}`),
      );
    }
    if (request.givesUp === true) return;
    this.#world.timeline.after(15_000, () => {
      if (!answered) this.#ask(request);
    });
  }
}

function memberType(id: string): "user" | "group" | "device" {
  if (id.startsWith("device")) return "device";
  return id.startsWith("g") || id.startsWith("h") ? "group" : "user";
}
