import { setTimeout as sleep } from "node:timers/promises";
import { type DeadLetterResult, DeadLetterState, deadLettersPerRequest } from "@postern/contracts";
import { type Command, Option } from "commander";
import { chunks } from "../chunks";
import type { CommandContext, Runner } from "../command-context";
import { type Consent, goOn } from "../confirm";
import { CliError, type ExitCode, exitCodes } from "../exit-code";
import { wholeNumber } from "../option-values";
import { deadLettersTable, deadLetterText, resultsText } from "../render/dead-letters";
import type { Api } from "../session/api";
import { argument } from "./syncs";

interface FilterOptions {
  readonly code?: string;
  readonly sync?: string;
  readonly target?: string;
  readonly group?: string;
}

interface ActOptions extends FilterOptions, Consent {
  readonly reason: string;
  readonly all?: boolean;
  readonly limit?: number;
}

type Verb = "replay" | "discard";

const batchOperations = { replay: "replayDeadLetters", discard: "discardDeadLetters" } as const;

export function addDlq(program: Command, run: Runner): void {
  const dlq = program.command("dlq").description("show, replay and discard dead letters");
  withFilter(dlq.command("list"))
    .addOption(
      new Option("--state <state>", "only in this state")
        .choices(DeadLetterState.options)
        .default("open"),
    )
    .option("--any-state", "in any state; overrides --state")
    .option("-n, --limit <number>", "show at most this many", wholeNumber(1, 10_000), 20)
    .description("list dead letters, newest first")
    .action(run(list));
  dlq
    .command("show")
    .argument("<id>", "id of a dead letter")
    .addOption(
      new Option(
        "--payload <how>",
        "how to show the payload; full needs the role Operator and is audited",
      )
        .choices(["redacted", "full"])
        .default("redacted"),
    )
    .description("show a dead letter, its attempts, history and payload")
    .action(
      run(async (context, command) => {
        const { payload } = command.opts<{ payload: "redacted" | "full" }>();
        const letter = await context
          .api()
          .call("getDeadLetter", { params: { id: argument(command, 0) }, query: { payload } });
        context.show(letter, (value) => deadLetterText(value, context.view));
        return undefined;
      }),
    );
  const verbs = [
    ["replay", "send dead-lettered items again, unless the target has something newer"],
    ["discard", "close dead letters without sending them again"],
  ] as const;
  for (const [verb, description] of verbs) {
    withFilter(dlq.command(verb))
      .argument("[id...]", "ids of dead letters")
      .option("--all", "all open dead letters")
      .option(
        "-n, --limit <number>",
        "with a filter or --all: at most this many (default: 100)",
        wholeNumber(1, 100_000),
      )
      .requiredOption("--reason <text>", "reason, recorded in the audit trail")
      .option("--dry-run", "show what would happen, and change nothing")
      .option("-y, --yes", "do not ask for confirmation")
      .description(description)
      .addHelpText(
        "after",
        "\nAsks for confirmation unless --yes is given. Without a terminal to ask on, it changes nothing and exits with 1.",
      )
      .action(run((context, command) => act(context, command, verb)));
  }
}

function withFilter(command: Command): Command {
  return command
    .option("--code <code>", "only with this error code")
    .option("-s, --sync <sync>", "only of this sync definition")
    .option("-t, --target <target>", "only for this target")
    .option("-g, --group <group>", "only of this worker group");
}

async function list(context: CommandContext, command: Command): Promise<undefined> {
  const options = command.opts<
    FilterOptions & { state: DeadLetterState; anyState?: boolean; limit: number }
  >();
  const { code, sync, target, group, limit } = options;
  const state = options.anyState === true ? undefined : options.state;
  const found = await context
    .api()
    .list("listDeadLetters", { query: { state, code, definition: sync, target, group } }, limit);
  context.show(found, (items) => deadLettersTable(items, context.view));
  if (found.value.length === 0) context.note("No dead letters.");
  else if (found.more) context.note("There are more; raise --limit to see them.");
  return undefined;
}

type Selection =
  | { readonly ids: readonly string[] }
  | { readonly filter: Readonly<Record<string, string>>; readonly limit: number };

async function act(
  context: CommandContext,
  command: Command,
  verb: Verb,
): Promise<ExitCode | undefined> {
  const options = command.opts<ActOptions>();
  const { reason } = options;
  const api = context.api();
  let selections = selectionsOf(command.args, options);
  if (options.yes !== true || options.dryRun === true) {
    const tried = await each(context, api, verb, selections, { reason, dryRun: true });
    showTried(context, tried, options.dryRun === true ? "stdout" : "stderr");
    if (tried.results.length === 0) {
      context.note("No open dead letters match.");
      return undefined;
    }
    const count = tried.results.filter(moves).length;
    if (tried.more) context.note(`At least ${count}; more match than are shown here.`);
    if (count === 0 && options.dryRun !== true) {
      context.note("Nothing was done.");
      return exitCodeOf(tried.results);
    }
    const question = `${verb === "replay" ? "Replay" : "Discard"} ${count} dead letters?`;
    if (!(await goOn(context, options, question))) return undefined;
    // The filter may match others by now, but the person agreed only to what was shown.
    selections = selectionsOfIds(tried.results.map(({ id }) => id));
    const done = await each(context, api, verb, selections, { reason, dryRun: false });
    return showDone(context, { ...done, more: tried.more });
  }
  return showDone(context, await each(context, api, verb, selections, { reason, dryRun: false }));
}

function showTried(context: CommandContext, tried: Done, stream: "stdout" | "stderr"): void {
  const view = stream === "stdout" ? context.view : context.stderrView;
  context.terminal[stream].write(
    context.json
      ? `${JSON.stringify(tried, null, 2)}\n`
      : resultsText(tried.results, view, { dryRun: true }),
  );
}

function showDone(context: CommandContext, done: Done): ExitCode {
  context.show({ raw: done, value: done.results }, (results) =>
    resultsText(results, context.view, { dryRun: false }),
  );
  if (done.results.length === 0) context.note("No open dead letters match.");
  if (done.more) context.note("There are more; run the command again, or raise --limit.");
  return exitCodeOf(done.results);
}

/** Whether the dead letter changes state: one that is refused, fails or does not exist stays as it is. */
function moves({ outcome }: DeadLetterResult): boolean {
  return outcome !== "refused" && outcome !== "failed" && outcome !== "not-found";
}

function selectionsOf(ids: readonly string[], options: ActOptions): Selection[] {
  const { code, sync, target, group, all, limit } = options;
  const filter = Object.fromEntries(
    Object.entries({ code, definition: sync, target, group }).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value]],
    ),
  );
  const filtered = Object.keys(filter).length > 0;
  if (ids.length > 0) {
    if (filtered || all === true || limit !== undefined) {
      throw new CliError(exitCodes.refused, "choose dead letters by id or by filter, not both");
    }
    return selectionsOfIds(ids);
  }
  if (!filtered && all !== true) {
    throw new CliError(
      exitCodes.refused,
      "choose dead letters: give ids, a filter (--code, --sync, …) or --all",
      ["to list them: postern dlq list"],
    );
  }
  return [{ filter, limit: limit ?? 100 }];
}

function selectionsOfIds(ids: readonly string[]): Selection[] {
  return chunks([...new Set(ids)], deadLettersPerRequest).map((part) => ({ ids: part }));
}

interface Done {
  readonly dryRun: boolean;
  readonly results: readonly DeadLetterResult[];
  readonly more: boolean;
}

/** Sends one request after another; each waits until the messages that the one before scheduled have been sent. */
async function each(
  context: CommandContext,
  api: Api,
  verb: Verb,
  selections: readonly Selection[],
  order: { readonly reason: string; readonly dryRun: boolean },
): Promise<Done> {
  // By id: a refused letter stays open and matches the filter again, but it is reported and counted once.
  const results = new Map<string, DeadLetterResult>();
  let more = false;
  for (const selection of selections) {
    let left = "ids" in selection ? selection.ids.length : selection.limit;
    while (left > 0) {
      const part =
        "ids" in selection
          ? { ids: selection.ids }
          : { filter: selection.filter, limit: Math.min(left, deadLettersPerRequest) };
      const { value } = await api.call(batchOperations[verb], {
        body: { ...part, ...order },
      });
      const before = results.size;
      for (const result of value.results) results.set(result.id, result);
      more = value.more;
      left -= results.size - before;
      // A dry run would find the same letters again, and so would another request after one that changed nothing.
      if (!value.more || order.dryRun || !value.results.some(moves) || left <= 0) break;
      await sleep(untilSentMs(value.results, context.terminal.now()));
    }
  }
  return { dryRun: order.dryRun, results: [...results.values()], more };
}

function untilSentMs(results: readonly DeadLetterResult[], now: number): number {
  const times = results.map(({ scheduledAt }) => Date.parse(scheduledAt ?? ""));
  const last = Math.max(0, ...times.filter((time) => !Number.isNaN(time)));
  return Math.max(0, last - now);
}

function exitCodeOf(results: readonly DeadLetterResult[]): ExitCode {
  const outcomes = new Set(results.map(({ outcome }) => outcome));
  if (outcomes.has("failed")) return exitCodes.failed;
  return outcomes.has("refused") || outcomes.has("not-found") ? exitCodes.refused : exitCodes.ok;
}
