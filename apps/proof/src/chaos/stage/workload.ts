/**
 * Administrators at work: changes of a tenant through Graph, from a seed, until they are stopped. It remembers
 * who exists only to have something to change; what is true is asked of Graph at the end.
 */
import { z } from "zod";
import type { SeededRandom } from "../../kit/seeded-random";
import type { Tenant } from "../target/expected-rows";
import { GraphRefusal, type GraphSession } from "./graph-session";

const Created = z.object({ id: z.string() });
const AT_ONCE = 8;

export interface WorkloadOptions {
  readonly graph: GraphSession;
  readonly tenant: Tenant;
  readonly random: SeededRandom;
  /** Changes a second that are aimed at. */
  readonly changesPerSecond: number;
  readonly onTrouble: (message: string) => void;
  /** Only renames: each change is one item. */
  readonly renamesOnly?: boolean;
}

export class Workload {
  readonly #options: WorkloadOptions;
  readonly #random: SeededRandom;
  readonly #users: string[];
  readonly #deleted: string[] = [];
  readonly #groups: string[];
  #stopped = false;
  #round = 0;
  /** Changes that Graph accepted. */
  changes = 0;
  #running: Promise<void> = Promise.resolve();

  constructor(options: WorkloadOptions) {
    this.#options = options;
    this.#random = options.random;
    this.#users = options.tenant.users.map(({ id }) => id);
    this.#groups = options.tenant.groups.map(({ id }) => id);
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const began = performance.now();
      const before = this.changes;
      await this.#burst();
      const dueMs = ((this.changes - before) * 1_000) / this.#options.changesPerSecond;
      await pause(Math.max(20, dueMs - (performance.now() - began)));
    }
  }

  async #burst(): Promise<void> {
    this.#round += 1;
    const roll = this.#random.next();
    if (this.#options.renamesOnly === true || roll < 0.6) return this.#edit();
    if (roll < 0.72) return this.#moveMembers();
    if (roll < 0.8) return this.#moveManagers();
    if (roll < 0.86) return this.#removeOrRestore();
    if (roll < 0.93) return this.#hire();
    if (roll < 0.97) return this.#regroup();
    return this.#disable();
  }

  async #edit(): Promise<void> {
    const edits = this.#some(this.#random.between(1, 60)).map((id) => {
      const text = `Round ${this.#round}.${this.#random.between(1, 9_999)} O'Brien "x"`;
      const body = this.#random.pick([
        { jobTitle: text },
        { jobTitle: text },
        { department: text, jobTitle: text },
        { department: this.#random.chance(0.5) ? null : "" },
        { displayName: text },
      ]);
      return () =>
        this.#patch(`/users/${id}`, this.#options.renamesOnly ? { jobTitle: text } : body);
    });
    await this.#all(edits);
  }

  async #moveMembers(): Promise<void> {
    const group = this.#random.pick(this.#groups);
    const steps = this.#some(this.#random.between(1, 6)).map(
      (id) => () =>
        this.#random.chance(0.6)
          ? this.#post(`/groups/${group}/members/$ref`, reference(id))
          : this.#delete(`/groups/${group}/members/${id}/$ref`),
    );
    // One group's members one after another, as one person would.
    for (const step of steps) await this.#try(step);
  }

  async #moveManagers(): Promise<void> {
    const manager = this.#random.pick(this.#users);
    await this.#all(
      this.#some(this.#random.between(1, 8))
        .filter((id) => id !== manager)
        .map((id) => () => this.#call("PUT", `/users/${id}/manager/$ref`, reference(manager))),
    );
  }

  async #removeOrRestore(): Promise<void> {
    if (this.#deleted.length > 0 && this.#random.chance(0.5)) {
      const id = this.#deleted.shift() ?? "";
      await this.#try(() => this.#post(`/directory/deletedItems/${id}/restore`, {}));
      this.#users.push(id);
      return;
    }
    for (const id of this.#some(this.#random.between(1, 4))) {
      await this.#try(async () => {
        await this.#delete(`/users/${id}`);
        this.#users.splice(this.#users.indexOf(id), 1);
        this.#deleted.push(id);
      });
    }
  }

  async #hire(): Promise<void> {
    for (let count = this.#random.between(1, 4); count > 0; count -= 1) {
      const name = `hire.${this.#round}.${this.#random.between(1, 1_000_000_000)}`;
      await this.#try(async () => {
        const created = await this.#post("/users", {
          accountEnabled: true,
          displayName: name,
          mailNickname: name,
          userPrincipalName: `${name}@alderwick.example`,
          passwordProfile: { password: "Not-used-1!" },
        });
        this.#users.push(Created.parse(created).id);
      });
    }
  }

  async #regroup(): Promise<void> {
    if (this.#groups.length > 4 && this.#random.chance(0.4)) {
      const id = this.#random.pick(this.#groups);
      await this.#try(async () => {
        await this.#delete(`/groups/${id}`);
        this.#groups.splice(this.#groups.indexOf(id), 1);
      });
      return;
    }
    const name = `group-${this.#round}-${this.#random.between(1, 1_000_000_000)}`;
    await this.#try(async () => {
      const created = Created.parse(
        await this.#post("/groups", {
          displayName: name,
          mailEnabled: false,
          mailNickname: name,
          securityEnabled: true,
        }),
      );
      this.#groups.push(created.id);
      await this.#patch(`/groups/${created.id}`, {
        "members@odata.bind": this.#some(this.#random.between(1, 15)).map(
          (id) => reference(id)["@odata.id"],
        ),
      });
    });
  }

  async #disable(): Promise<void> {
    await this.#all(
      this.#some(this.#random.between(1, 5)).map(
        (id) => () => this.#patch(`/users/${id}`, { accountEnabled: this.#random.chance(0.5) }),
      ),
    );
  }

  #some(count: number): string[] {
    const found = new Set<string>();
    for (let tries = 0; tries < count; tries += 1) found.add(this.#random.pick(this.#users));
    return [...found];
  }

  async #all(steps: readonly (() => Promise<unknown>)[]): Promise<void> {
    for (let from = 0; from < steps.length; from += AT_ONCE)
      await Promise.all(steps.slice(from, from + AT_ONCE).map((step) => this.#try(step)));
  }

  async #try(step: () => Promise<unknown>): Promise<void> {
    try {
      await step();
    } catch (error) {
      // What is refused (a member twice, someone just deleted) has changed nothing.
      if (!(error instanceof GraphRefusal) || error.status >= 500)
        this.#options.onTrouble(error instanceof Error ? error.message : String(error));
    }
  }

  async #call(method: string, path: string, body?: unknown): Promise<unknown> {
    const answer = await this.#options.graph.call(method, path, body);
    this.changes += 1;
    return answer;
  }

  #patch(path: string, body: unknown): Promise<unknown> {
    return this.#call("PATCH", path, body);
  }

  #post(path: string, body: unknown): Promise<unknown> {
    return this.#call("POST", path, body);
  }

  #delete(path: string): Promise<unknown> {
    return this.#call("DELETE", path);
  }
}

function reference(id: string): { "@odata.id": string } {
  return { "@odata.id": `https://graph.microsoft.com/v1.0/directoryObjects/${id}` };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
