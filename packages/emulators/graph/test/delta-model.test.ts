/**
 * Whatever happens to a tenant, and however the pages of a round interleave with it, a client that folds what delta
 * shows reaches the tenant, from the beginning and from every deltaLink it has ever had. Pages are tiny here, so that
 * rounds have many, and half of the users are split.
 */
import { randomBytes } from "node:crypto";
import { expect, test } from "@jest/globals";
import { Counters } from "@postern/emulator-kit";
import fc from "fast-check";
import { deltaRoutes } from "../src/wire/routes/delta-routes";
import { DeltaRounds } from "../src/engine/delta-round";
import { Directory } from "../src/engine/directory";
import { emptyDirectory } from "../src/engine/directory-journal";
import { isVisible } from "../src/engine/directory-object";
import { openMemoryStore } from "../src/store/memory-store";
import type { GraphService } from "../src/wire/routes/graph-service";
import { LinkTokens } from "../src/wire/tokens/link-token";
import { parseQueryOptions } from "../src/wire/odata/query-options";
import { fold, type DeltaItem, type Folded } from "./delta-fold";

const users = ["u0", "u1", "u2", "u3", "u4", "u5"];
const groups = ["g0", "g1", "g2"];
const everything = [...users, ...groups, "device"];

const queries = [
  { path: "users/delta", query: "$select=displayName,department,manager" },
  { path: "users/delta", query: "" },
  { path: "users/delta", query: "$select=department" },
  { path: "users/delta", query: "$select=manager" },
  { path: "users/delta", query: "$select=displayName,manager&$filter=id eq 'u1' or id eq 'u4'" },
  { path: "groups/delta", query: "" },
  { path: "groups/delta", query: "$select=displayName,members" },
  { path: "groups/delta", query: "$select=displayName" },
];

const value = fc.constantFrom(null, "", "a", "b");
const action = fc.oneof(
  // Often enough that clients finish rounds before the next change.
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("read" as const),
      client: fc.nat(queries.length * 2 - 1),
      pages: fc.integer({ min: 1, max: 12 }),
    }),
  },
  fc.record({
    kind: fc.constant("create" as const),
    id: fc.constantFrom(...users, ...groups),
    displayName: value,
  }),
  fc.record({
    kind: fc.constant("change" as const),
    id: fc.constantFrom(...users, ...groups),
    name: fc.constantFrom("displayName", "department"),
    value,
  }),
  fc.record({
    kind: fc.constant("manager" as const),
    id: fc.constantFrom(...users),
    manager: fc.option(fc.constantFrom(...users), { nil: undefined }),
  }),
  fc.record({
    kind: fc.constant("join" as const),
    id: fc.constantFrom(...groups),
    member: fc.constantFrom(...everything),
  }),
  fc.record({
    kind: fc.constant("leave" as const),
    id: fc.constantFrom(...groups),
    member: fc.constantFrom(...everything),
  }),
  fc.record({
    kind: fc.constantFrom("delete" as const, "restore" as const, "purge" as const),
    id: fc.constantFrom(...users, ...groups),
  }),
);
type Action = typeof action extends fc.Arbitrary<infer T> ? T : never;

function apply(directory: Directory, step: Exclude<Action, { kind: "read" }>): void {
  const object = directory.find(step.id);
  if (step.kind === "create") {
    if (object?.collection !== undefined && object.state !== "purged") return;
    directory.create(step.id.startsWith("u") ? "users" : "groups", step.id, {
      displayName: step.displayName,
    });
    return;
  }
  if (object === undefined) return;
  switch (step.kind) {
    case "delete":
      return directory.delete(object);
    case "restore":
      return directory.restore(object);
    case "purge":
      return directory.purge(object);
    case "change":
      if (isVisible(object)) directory.setProperties(object, { [step.name]: step.value });
      return;
    case "manager": {
      const manager = step.manager === undefined ? undefined : directory.find(step.manager);
      if (isVisible(object) && (manager === undefined || isVisible(manager)))
        directory.setManager(object, manager);
      return;
    }
    case "join": {
      const member =
        step.member === "device" ? directory.reference("device") : directory.find(step.member);
      if (isVisible(object) && isVisible(member)) directory.addMember(object, member);
      return;
    }
    case "leave": {
      const member = directory.find(step.member);
      if (isVisible(object) && isVisible(member)) directory.removeMember(object, member);
    }
  }
}

/** A tenant that already has links, as a seed makes one. */
function fill(directory: Directory): void {
  directory.fill(() => {
    for (const id of users)
      directory.create("users", id, { displayName: id, userPrincipalName: `${id}@example.com` });
    for (const id of groups) directory.create("groups", id, { displayName: id });
    const [first, ...others] = directory.ordered("users");
    for (const user of others) directory.setManager(user, first);
    for (const group of directory.ordered("groups")) {
      for (const member of [...directory.ordered("users"), directory.reference("device")])
        directory.addMember(group, member);
    }
  });
}

class DeltaClient {
  readonly #service: GraphService;
  readonly path: string;
  readonly query: string;
  readonly minimal: boolean;
  link: string;
  state = new Map<string, Folded>();
  /** Everything to start again from: each deltaLink with what was known then. */
  readonly checkpoints: { readonly link: string; readonly state: Map<string, Folded> }[] = [];

  constructor(
    service: GraphService,
    { path, query }: { path: string; query: string },
    minimal: boolean,
  ) {
    this.#service = service;
    this.path = path;
    this.query = query;
    this.minimal = minimal;
    this.link = query;
    this.checkpoints.push({ link: query, state: new Map() });
  }

  /** Reads one page; returns whether the round is over. */
  read(): boolean {
    const route = deltaRoutes.find((candidate) => candidate.path === this.path);
    const headers = new Map(this.minimal ? [["prefer", "return=minimal"]] : []);
    const reply = route?.handle(this.#service, {
      method: "GET",
      path: this.path,
      parameters: {},
      options: parseQueryOptions(this.link),
      header: (name) => headers.get(name),
      body: undefined,
      baseUrl: "https://localhost/v1.0",
    });
    const body = reply?.body as Record<string, unknown>;
    fold(this.state, body["value"] as DeltaItem[]);
    const deltaLink = body["@odata.deltaLink"];
    const link = (deltaLink ?? body["@odata.nextLink"]) as string;
    this.link = link.slice(link.indexOf("?") + 1);
    if (deltaLink !== undefined)
      this.checkpoints.push({ link: this.link, state: copy(this.state) });
    return deltaLink !== undefined;
  }

  catchUp(): void {
    // The running round, and one that begins after everything has happened.
    for (let rounds = 0, pages = 0; rounds < 2; pages += 1) {
      if (this.read()) rounds += 1;
      if (pages > 2000) throw new Error("the round does not end");
    }
  }
}

function copy(state: ReadonlyMap<string, Folded>): Map<string, Folded> {
  return new Map(
    [...state].map(([id, { properties, related }]) => [
      id,
      { properties: { ...properties }, related: new Set(related) },
    ]),
  );
}

/** What a client of this query should know; null and absent are the same. */
function expected(directory: Directory, { path, query }: { path: string; query: string }): unknown {
  const collection = path === "users/delta" ? "users" : "groups";
  const select = /\$select=([\w,]+)/.exec(query)?.[1]?.split(",");
  const only = [...query.matchAll(/id eq '(\w+)'/g)].map((match) => match[1]);
  const relation =
    select === undefined
      ? collection === "groups"
      : select.includes(collection === "users" ? "manager" : "members");
  const visible = directory
    .ordered(collection)
    .filter((object) => isVisible(object) && (only.length === 0 || only.includes(object.id)));
  return Object.fromEntries(
    visible.map((object) => {
      const related =
        collection === "groups"
          ? [...object.members.keys()]
          : object.manager === undefined
            ? []
            : [object.manager];
      const properties = Object.entries(object.properties).filter(
        ([name, content]) => content !== null && (select?.includes(name) ?? true),
      );
      return [
        object.id,
        {
          properties: Object.fromEntries(properties),
          related: relation
            ? related
                .filter(isVisible)
                .map(({ id }) => id)
                .sort()
            : [],
        },
      ];
    }),
  );
}

function known(state: ReadonlyMap<string, Folded>): unknown {
  return Object.fromEntries(
    [...state].map(([id, { properties, related }]) => {
      const present = Object.entries(properties).filter(([, content]) => content !== null);
      return [id, { properties: Object.fromEntries(present), related: [...related].sort() }];
    }),
  );
}

function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

test("folding the pages of delta from any earlier link reproduces the tenant", () => {
  const settings = fc.record({
    filled: fc.boolean(),
    seed: fc.nat(),
    replay: fc.constantFrom(0, 0.5),
    lagMs: fc.constantFrom(0, 7),
  });
  fc.assert(
    fc.property(
      fc.array(action, { minLength: 1, maxLength: 120 }),
      settings,
      (steps, { seed, replay, lagMs, filled }) => {
        let nowMs = 1000;
        const store = openMemoryStore();
        const directory = new Directory(emptyDirectory, store, () => nowMs);
        if (filled) fill(directory);
        const service: GraphService = {
          directory,
          store,
          rounds: new DeltaRounds(directory, { objects: 2, members: 3, splitEvery: 2 }),
          tokens: new LinkTokens(randomBytes(32)),
          epochs: { users: 0, groups: 0 },
          counters: new Counters(),
          maxTokenAgeMs: 1e9,
          replicationLagMs: lagMs,
          replay,
          random: seededRandom(seed),
          nowMs: () => nowMs,
        };
        const clients = queries.flatMap((query) => [
          new DeltaClient(service, query, false),
          new DeltaClient(service, query, true),
        ]);
        for (const step of steps) {
          nowMs += 1;
          if (step.kind === "read")
            for (let page = 0; page < step.pages; page += 1) clients[step.client]?.read();
          else apply(directory, step);
        }
        nowMs += 100;
        for (const client of clients) {
          client.catchUp();
          expect(known(client.state)).toEqual(expected(directory, client));
          for (const checkpoint of client.checkpoints) {
            const again = new DeltaClient(service, client, client.minimal);
            again.link = checkpoint.link;
            again.state = copy(checkpoint.state);
            again.catchUp();
            expect(known(again.state)).toEqual(expected(directory, client));
          }
        }
      },
    ),
    { numRuns: 120 },
  );
});
