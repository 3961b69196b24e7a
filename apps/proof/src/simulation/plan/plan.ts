/**
 * What a seed decides before anything runs: the directory, what people do, what goes wrong. Plain data, so it can be
 * cut down.
 */
import { BEGINNING_MS } from "../clockwork/timeline";
import type { Fault, OperationEffect, Service } from "../clockwork/fault-book";
import { type HostileChange, isHostileSeed, makeHostileChanges, wideUsers } from "./hostile-plan";
import { type LetterChange, makeLetterPlan, noLetterPlan } from "./letter-plan";
import { SeededRandom } from "../../kit/seeded-random";

export type Change =
  | {
      readonly kind: "set";
      readonly atMs: number;
      readonly id: string;
      readonly name: string;
      readonly value: unknown;
    }
  | {
      readonly kind: "manager";
      readonly atMs: number;
      readonly id: string;
      readonly manager: string | null;
    }
  | {
      readonly kind: "member";
      readonly atMs: number;
      readonly group: string;
      readonly member: string;
      readonly present: boolean;
    }
  | {
      readonly kind: "remove";
      readonly atMs: number;
      readonly ids: readonly string[];
      readonly reason: "changed" | "deleted";
    }
  | { readonly kind: "restore"; readonly atMs: number; readonly id: string }
  | { readonly kind: "create-user"; readonly atMs: number; readonly id: string }
  | {
      readonly kind: "create-group";
      readonly atMs: number;
      readonly id: string;
      readonly members: readonly string[];
    }
  | { readonly kind: "release"; readonly atMs: number; readonly share: number }
  | { readonly kind: "request-cycle"; readonly atMs: number }
  | { readonly kind: "on-demand"; readonly atMs: number; readonly ids: readonly string[] }
  | { readonly kind: "remap"; readonly atMs: number }
  | LetterChange
  | HostileChange;

export interface Plan {
  readonly seed: number;
  /** Whether there is a second worker group, with an agent that does what it likes. */
  readonly hostile: boolean;
  /** Users whose names fill messages. */
  readonly wide: readonly string[];
  readonly users: readonly string[];
  readonly groups: readonly { readonly id: string; readonly members: readonly string[] }[];
  readonly changes: readonly Change[];
  readonly faults: readonly Fault[];
  /** Entity keys. */
  readonly poison: readonly string[];
  /** Entity keys that are poison until they are mended. */
  readonly refused: readonly string[];
  readonly dependent: readonly { readonly entity: string; readonly untilMs: number }[];
  readonly skewMs: Readonly<Record<string, number>>;
  readonly endMs: number;
  readonly lockMs: number;
  readonly tickMs: number;
  readonly pageSize: number;
  readonly slots: number;
  readonly batchItems: number;
}

export const processNames = ["cloud-1", "cloud-2", "agent-1", "agent-2"] as const;
/** Azure keeps its own clocks; those of machines elsewhere are anybody's guess. */
const cloudSkewsMs = [0, 0, 0, 900, -1_500, 20_000, -20_000] as const;
const agentSkewsMs = [0, 0, 0, 900, -40_000, 600_000, -600_000] as const;

const operations: Readonly<
  Record<Service, readonly (readonly [string, readonly OperationEffect[]])[]>
> = {
  cosmos: [
    ["transact", ["refuse", "lose-reply", "conflict-with-itself", "delay", "throttle"]],
    ["read progress", ["refuse", "stale", "delay"]],
    ["write index", ["refuse", "lose-reply", "conflict-with-itself", "half", "delay"]],
    ["read index", ["refuse", "stale", "delay"]],
    ["create markers", ["refuse", "lose-reply", "half", "delay"]],
    ["read ledger", ["refuse", "stale", "delay", "throttle"]],
    ["write ledger", ["refuse", "lose-reply", "conflict-with-itself", "delay", "throttle"]],
    ["write holds", ["refuse", "lose-reply"]],
    ["query index", ["refuse", "delay"]],
  ],
  broker: [
    ["send work", ["refuse", "lose-reply", "half", "delay"]],
    ["send start", ["refuse", "lose-reply", "delay"]],
    ["report", ["refuse", "lose-reply", "delay"]],
    ["complete", ["refuse", "lose-reply", "delay", "forget"]],
    ["host", ["refuse", "lose-reply", "forget"]],
    ["accept", ["refuse", "delay"]],
    ["close lane", ["refuse", "lose-reply"]],
  ],
  graph: [["page", ["refuse", "delay", "throttle", "expire", "expire"]]],
  target: [["apply", ["refuse", "lose-reply", "lose-reply", "delay", "deadlock"]]],
};

const crashPoints = {
  cloud: [
    "transact",
    "write index",
    "send work",
    "send start",
    "page",
    "create markers",
    "host",
    "write holds",
    "query index",
  ],
  agent: ["read ledger", "write ledger", "apply", "report", "complete", "close lane", "accept"],
} as const;

/** How large a world is, each as least and most. Two groups of one directory make twice the work. */
interface Size {
  readonly users: readonly [number, number];
  readonly groups: readonly [number, number];
  readonly changes: readonly [number, number];
  readonly faults: readonly [number, number];
  readonly page: readonly [number, number];
}

const usualSize: Size = {
  users: [70, 100],
  groups: [6, 9],
  changes: [90, 140],
  faults: [24, 44],
  page: [3, 12],
};
const hostileSize: Size = {
  users: [25, 40],
  groups: [2, 4],
  changes: [40, 70],
  faults: [10, 24],
  page: [5, 12],
};

export function makePlan(seed: number): Plan {
  const random = new SeededRandom(seed, "plan");
  const hostile = isHostileSeed(seed);
  const size = hostile ? hostileSize : usualSize;
  const userCount = random.between(...size.users);
  const users = Array.from({ length: userCount }, (_, index) => `u${index}`);
  const groups = Array.from({ length: random.between(...size.groups) }, (_, index) => ({
    id: `g${index}`,
    members: members(random, users, random.between(5, 16)),
  }));
  const beginMs = BEGINNING_MS + random.between(0, 9_999);
  const endMs = beginMs + random.between(150_000, 300_000);
  const entities = [
    ...users.map((id) => `user:${id}`),
    ...groups.flatMap(({ id, members: of }) => of.map((member) => `membership:${id}:${member}`)),
  ];
  const some = (most: number): string[] =>
    Array.from({ length: random.between(0, most) }, () => random.pick(entities));
  // Even seeds have none of it: what they did before there was this, they still do.
  const letters =
    seed % 2 === 0
      ? noLetterPlan
      : makeLetterPlan(new SeededRandom(seed, "letters"), entities, { beginMs, endMs });
  const changes = makeChanges(random, { users, groups, size }, beginMs + 2_000, endMs);
  const faults = makeFaults(new SeededRandom(seed, "faults"), size, beginMs + 1_500, endMs);
  const intrusions = hostile
    ? makeHostileChanges(new SeededRandom(seed, "hostile"), { beginMs, endMs })
    : [];
  return {
    seed,
    hostile,
    wide: hostile && seed % 3 === 0 ? wideUsers : [],
    users,
    groups,
    changes: [...changes, ...letters.changes, ...intrusions].sort((a, b) => a.atMs - b.atMs),
    faults: [...faults, ...letters.faults].sort((a, b) => a.atMs - b.atMs),
    poison: some(2),
    refused: letters.refused,
    dependent: some(4).map((entity) => ({
      entity,
      untilMs: random.between(beginMs, endMs),
    })),
    skewMs: Object.fromEntries(
      processNames.map((name) => [
        name,
        random.pick(name.startsWith("cloud") ? cloudSkewsMs : agentSkewsMs),
      ]),
    ),
    endMs,
    lockMs: random.pick([5_000, 10_000, 30_000, 60_000]),
    tickMs: random.pick([5_000, 10_000, 15_000]),
    pageSize: random.between(...size.page),
    slots: random.between(1, 4),
    batchItems: random.pick([3, 20, 100]),
  };
}

function members(random: SeededRandom, users: readonly string[], count: number): string[] {
  const found = new Set<string>();
  for (let index = 0; index < count; index += 1) found.add(random.pick(users));
  if (random.chance(0.3)) found.add(`device-${random.between(1, 3)}`);
  return [...found];
}

function makeChanges(
  random: SeededRandom,
  { users, groups, size }: Pick<Plan, "users" | "groups"> & { readonly size: Size },
  beginMs: number,
  endMs: number,
): Change[] {
  const changes: Change[] = [];
  const count = random.between(...size.changes);
  // Few names and few users of much change: values come back, and changes of one entity meet.
  const busy = Array.from({ length: 12 }, () => random.pick(users));
  const user = (): string => (random.chance(0.5) ? random.pick(busy) : random.pick(users));
  const group = (): string => random.pick(groups).id;
  let created = 0;
  for (let index = 0; index < count; index += 1) {
    const atMs = random.between(beginMs, endMs - 5_000);
    const drawn = random.next();
    if (drawn < 0.4) {
      const [name, value] = random.pick([
        ["displayName", `name ${random.between(0, 2)}`],
        ["department", random.chance(0.1) ? "External" : random.pick(["Sales", "Works"])],
        ["accountEnabled", random.chance(0.7)],
      ] as const);
      changes.push({ kind: "set", atMs, id: user(), name, value });
    } else if (drawn < 0.48) {
      changes.push({
        kind: "manager",
        atMs,
        id: user(),
        manager: random.chance(0.3) ? null : user(),
      });
    } else if (drawn < 0.72) {
      changes.push({
        kind: "member",
        atMs,
        group: group(),
        member: user(),
        present: random.chance(0.55),
      });
    } else if (drawn < 0.78) {
      changes.push({
        kind: "set",
        atMs,
        id: group(),
        name: "displayName",
        value: `name ${random.between(0, 2)}`,
      });
    } else if (drawn < 0.83) {
      changes.push({
        kind: "remove",
        atMs,
        ids: [user()],
        reason: random.chance(0.8) ? "changed" : "deleted",
      });
    } else if (drawn < 0.88) {
      changes.push({ kind: "restore", atMs, id: user() });
    } else if (drawn < 0.91) {
      created += 1;
      changes.push({ kind: "create-user", atMs, id: `v${created}` });
    } else if (drawn < 0.925) {
      created += 1;
      changes.push({
        kind: "create-group",
        atMs,
        id: `h${created}`,
        members: members(random, users, 4),
      });
    } else if (drawn < 0.94) {
      changes.push({ kind: "remove", atMs, ids: [group()], reason: "changed" });
    } else if (drawn < 0.955) {
      changes.push({ kind: "restore", atMs, id: group() });
    } else if (drawn < 0.965) {
      changes.push({ kind: "request-cycle", atMs });
    } else if (drawn < 0.985) {
      changes.push({ kind: "on-demand", atMs, ids: [user(), user(), group()] });
    } else {
      changes.push({ kind: "release", atMs, share: random.next() });
    }
  }
  if (random.chance(0.4)) {
    const ids = random.shuffle([...users]).slice(0, random.between(12, 30));
    const atMs = random.between(beginMs + 30_000, endMs - 20_000);
    changes.push({ kind: "remove", atMs, ids, reason: "changed" });
    if (random.chance(0.5))
      changes.push({ kind: "release", atMs: atMs + 25_000, share: random.next() });
    if (random.chance(0.5)) {
      for (const id of ids.slice(0, 6))
        changes.push({ kind: "restore", atMs: atMs + random.between(10_000, 60_000), id });
    }
  }
  if (random.chance(0.2))
    changes.push({ kind: "remap", atMs: random.between(beginMs + 20_000, endMs) });
  return changes.sort((a, b) => a.atMs - b.atMs);
}

function makeFaults(random: SeededRandom, size: Size, beginMs: number, endMs: number): Fault[] {
  const count = random.between(...size.faults);
  const services = ["cosmos", "cosmos", "broker", "broker", "graph", "target"] as const;
  return Array.from({ length: count }, (): Fault => {
    // Many strike during the first enumeration, when there is most to break.
    const atMs = random.chance(0.35)
      ? random.between(beginMs, beginMs + 20_000)
      : random.between(beginMs, endMs);
    const process = random.pick(processNames);
    const side = process.startsWith("cloud") ? "cloud" : "agent";
    const durationMs = random.pick([200, 2_000, 8_000, 25_000, 70_000]);
    const drawn = random.next();
    if (drawn < 0.5) {
      const service = random.pick(services);
      const [operation, effects] = random.pick(operations[service]);
      return {
        kind: "operation",
        atMs,
        service,
        operation,
        effect: random.pick(effects),
        durationMs,
      };
    }
    if (drawn < 0.62) {
      const when = random.chance(0.5) ? "before" : "after";
      const operation = random.pick(crashPoints[side]);
      return {
        kind: "crash-at",
        atMs,
        process,
        operation,
        when,
        durationMs: random.between(200, 20_000),
      };
    }
    if (drawn < 0.68)
      return { kind: "crash", atMs, process, durationMs: random.between(200, 40_000) };
    if (drawn < 0.71)
      return { kind: "stop", atMs, process: random.pick(["agent-1", "agent-2"]), durationMs };
    if (drawn < 0.78) return { kind: "pause", atMs, process, durationMs };
    if (drawn < 0.8)
      return {
        kind: "clock-step",
        atMs,
        process,
        byMs: random.pick(side === "cloud" ? [-5_000, 5_000] : [-600_000, -5_000, 5_000, 600_000]),
      };
    if (drawn < 0.86) return { kind: "lose-lock", atMs, told: random.chance(0.5) };
    if (drawn < 0.92) return { kind: "redeliver", atMs, delayMs: durationMs };
    if (drawn < 0.93) return { kind: "forget-duplicates", atMs };
    if (drawn < 0.95) return { kind: "target-down", atMs, durationMs };
    if (drawn < 0.965)
      return { kind: "target-slow", atMs, durationMs, byMs: random.between(500, 12_000) };
    if (drawn < 0.98)
      return { kind: "graph-slow", atMs, durationMs, byMs: random.between(2_000, 15_000) };
    return {
      kind: "outage",
      atMs,
      service: random.pick(["cosmos", "broker", "graph"]),
      durationMs: Math.min(durationMs, 30_000),
    };
  }).sort((a, b) => a.atMs - b.atMs);
}
