import { describe, expect, test } from "@jest/globals";
import { type CliRun, runCli } from "../fake-api";

const holdOf = (id: string) => ({
  ...{ id, definition: "people", entityType: "user", entityId: id, version: 1 },
  ...{ cause: "delete", reason: "r", heldAt: "2026-01-01T00:00:00Z" },
});
const holdPage = (...ids: string[]) => ({ body: { items: ids.map(holdOf), continuation: null } });

const posted = ({ requests }: CliRun): unknown[] =>
  requests.filter(({ method }) => method === "POST").map(({ body }) => body);

describe("postern syncs release", () => {
  const release = (
    args: readonly string[],
    { held, ...options }: { held: readonly string[]; typed?: string | null },
  ): Promise<CliRun> =>
    runCli(
      ["syncs", "release", "people", ...args, "--reason", "x"],
      ({ method, body }) => {
        if (method === "GET") return holdPage(...held);
        const { holds } = body as { holds?: readonly string[] };
        return { body: { released: (holds ?? held).filter((id) => held.includes(id)).length } };
      },
      options,
    );

  test("releases nothing with --dry-run, even with --yes", async () => {
    for (const more of [[], ["--yes"]]) {
      const run = await release(["--all", "--dry-run", ...more], { held: ["h1"] });
      expect([run.exitCode, posted(run)]).toEqual([0, []]);
      expect(run.stderr).toContain("1 would be released.");
    }
  });

  test("releases only what was shown before the question", async () => {
    const run = await release(["--all"], { held: ["h1"], typed: "y" });
    expect(run.stderr).toContain("Release 1 held items of people?");
    expect(posted(run)).toEqual([{ reason: "x", holds: ["h1"] }]);
  });

  test("splits many holds into several requests", async () => {
    const held = Array.from({ length: 450 }, (_, index) => `h${index}`);
    const run = await release(["--all"], { held, typed: "y" });
    expect(run.stdout).toBe("450 released\n");
    const parts = posted(run) as { holds: string[] }[];
    expect(parts.flatMap(({ holds }) => holds)).toEqual(held);
    expect(parts).toHaveLength(3);
  });

  test("releases all held items with --yes, without listing them", async () => {
    const run = await release(["--all", "--yes"], { held: ["h1"] });
    expect(run.requests.map(({ method }) => method)).toEqual(["POST"]);
    expect(posted(run)).toEqual([{ reason: "x" }]);
  });

  test("reports ids that are not held, and releases the others", async () => {
    const none = await release(["gone"], { held: ["h1"], typed: "y" });
    expect([none.exitCode, posted(none)]).toEqual([1, []]);
    expect(none.stderr).toContain("Not held: gone");
    const some = await release(["gone", "h1", "h1"], { held: ["h1"], typed: "y" });
    expect([some.exitCode, posted(some)]).toEqual([1, [{ reason: "x", holds: ["h1"] }]]);
    const unasked = await release(["gone", "h1", "--yes"], { held: ["h1"] });
    expect([unasked.exitCode, unasked.stdout]).toEqual([1, "1 released\n"]);
    expect(unasked.stderr).toContain("1 of 2 were not held");
  });

  test("takes the end of the input at the question as a no", async () => {
    const run = await release(["--all"], { held: ["h1"], typed: null });
    const said = await release(["--all"], { held: ["h1"], typed: "n" });
    expect([run.exitCode, posted(run)]).toEqual([said.exitCode, []]);
    expect(run.stderr).toContain("Nothing was done.\n");
  });
});

interface BatchRequest {
  readonly limit?: number;
  readonly ids?: readonly string[];
  readonly dryRun: boolean;
}

/** Dead letters as the API keeps them: a filter selects the oldest open ones, and refused ones stay open. */
class DeadLetters {
  readonly open: Set<string>;
  readonly #refused: number;

  constructor(count: number, { refused = 0 } = {}) {
    this.open = new Set(Array.from({ length: count }, (_, index) => `d${index}`));
    this.#refused = refused;
  }

  readonly answer = ({ body }: { body: unknown }): { body: unknown } => {
    const { limit = 100, ids, dryRun } = body as BatchRequest;
    const chosen = ids ?? [...this.open].slice(0, limit);
    const results = chosen.map((id) => ({
      ...{ id, outcome: this.#outcomeOf(id), messageId: null, scheduledAt: null, detail: null },
    }));
    const more = ids === undefined && this.open.size > limit;
    for (const { id, outcome } of results) {
      if (!dryRun && outcome === "discarded") this.open.delete(id);
    }
    return { body: { dryRun, results, more } };
  };

  #outcomeOf(id: string): string {
    if (!this.open.has(id)) return "not-found";
    return Number(id.slice(1)) < this.#refused ? "refused" : "discarded";
  }
}

describe("postern dlq discard", () => {
  const discard = ["dlq", "discard", "--reason", "x"];

  test("closes as many as were agreed to, and reports that there are more", async () => {
    const letters = new DeadLetters(2_500);
    const run = await runCli([...discard, "--all", "--limit", "3000"], letters.answer, {
      typed: "y",
    });
    expect(run.stderr).toContain("At least 1000; more match");
    expect(run.stderr).toContain("Discard 1000 dead letters?");
    expect(run.stderr).toContain("run the command again");
    expect(letters.open.size).toBe(1_500);
  });

  test("discards only the letters that were shown before the question", async () => {
    const letters = new DeadLetters(2);
    const run = await runCli([...discard, "--code", "x"], letters.answer, { typed: "y" });
    expect(posted(run)).toMatchObject([{ dryRun: true }, { dryRun: false, ids: ["d0", "d1"] }]);
  });

  test("counts what would be closed in its question, for ids over several requests", async () => {
    const letters = new DeadLetters(1_500, { refused: 100 });
    const ids = [...letters.open, "gone"];
    const run = await runCli([...discard, ...ids], letters.answer, { typed: "y" });
    expect(run.stderr).toContain("Discard 1400 dead letters?");
    expect([run.exitCode, letters.open.size]).toEqual([1, 100]);
  });

  test("does not ask when every letter would be refused", async () => {
    const letters = new DeadLetters(2, { refused: 2 });
    const run = await runCli([...discard, "--all"], letters.answer, { typed: "y" });
    expect([run.exitCode, run.requests.length]).toEqual([1, 1]);
    expect(run.stderr).toContain("Nothing was done.");
  });

  test("reports a refused letter once, however often the filter matches it", async () => {
    const letters = new DeadLetters(2_500, { refused: 900 });
    const run = await runCli(
      [...discard, "--all", "--limit", "2000", "--yes", "--json"],
      letters.answer,
    );
    const { results } = JSON.parse(run.stdout) as { results: { id: string }[] };
    expect(new Set(results.map(({ id }) => id)).size).toBe(results.length);
    expect(results.length).toBeLessThanOrEqual(2_000);
  });
});
