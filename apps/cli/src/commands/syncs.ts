import { readFileSync } from "node:fs";
import { text as readAll } from "node:stream/consumers";
import { DefinitionId, type HoldView } from "@postern/contracts";
import { type Command, Option } from "commander";
import { parse } from "yaml";
import { z } from "zod";
import { chunks } from "../chunks";
import type { CommandContext, Runner } from "../command-context";
import { type Consent, goOn } from "../confirm";
import { CliError, type ExitCode, exitCodes } from "../exit-code";
import { headerValue, wholeNumber } from "../option-values";
import { holdsTable, syncsTable, syncText } from "../render/syncs";
import { plain } from "../render/text";
import type { Api } from "../session/api";
import { messageOf } from "../session/profile";

export function addSyncs(program: Command, run: Runner): void {
  const syncs = program
    .command("syncs")
    .description("manage sync definitions and the items they hold");
  syncs
    .command("list")
    .description("list sync definitions and their state")
    .action(
      run(async (context) => {
        const list = await context.api().list("listSyncs", {}, 1_000);
        context.show(list, (items) => syncsTable(items, context.view));
        if (list.value.length === 0)
          context.note("No sync definitions yet. To create one: postern syncs apply FILE");
        return undefined;
      }),
    );
  syncs
    .command("show")
    .argument("<sync>", "id of a sync definition")
    .description("show a sync definition and its last cycle")
    .action(
      run(async (context, command) => {
        const sync = await context.api().call("getSync", { params: { id: argument(command, 0) } });
        context.show(sync, (value) => syncText(value, context.view));
        return undefined;
      }),
    );
  syncs
    .command("apply")
    .argument("<file>", "YAML or JSON file; - reads standard input")
    .option(
      "--if-match <etag>",
      "replace only if unchanged since `syncs show` printed this etag",
      headerValue,
    )
    .description("create or replace a sync definition")
    .action(run(applySync));
  syncs
    .command("start")
    .argument("<sync>", "id of a sync definition")
    .description("start a cycle now")
    .action(
      run(async (context, command) => {
        const params = { id: argument(command, 0) };
        const cycle = await context.api().call("startCycle", { params });
        context.show(cycle, ({ cycleId }) => `${plain(cycleId)}\n`);
        context.note(`To follow it: postern cycles watch ${command.args[0] ?? ""}`);
        return undefined;
      }),
    );
  syncs
    .command("holds")
    .argument("<sync>", "id of a sync definition")
    .option("-n, --limit <number>", "show at most this many", wholeNumber(1, 100_000), 50)
    .description("list deletes and disables that wait for approval")
    .action(
      run(async (context, command) => {
        const { limit } = command.opts<{ limit: number }>();
        const params = { id: argument(command, 0) };
        const list = await context.api().list("listHolds", { params }, limit);
        context.show(list, (items) => holdsTable(items, context.view));
        if (list.value.length === 0) context.note("No held items.");
        else if (list.more) context.note("There are more; raise --limit to see them.");
        return undefined;
      }),
    );
  syncs
    .command("release")
    .argument("<sync>", "id of a sync definition")
    .argument("[hold...]", "ids of holds")
    .addOption(new Option("--all", "release all held items"))
    .requiredOption("--reason <text>", "reason, recorded in the audit trail")
    .option("--dry-run", "show what would be released, and release nothing")
    .option("-y, --yes", "do not ask for confirmation")
    .description("release held deletes and disables")
    .action(run(releaseHolds));
}

export function argument(command: Command, index: number): string {
  return command.args[index] ?? "";
}

const Named = z.object({ id: DefinitionId });

async function applySync(context: CommandContext, command: Command): Promise<undefined> {
  const [file = "-"] = command.args;
  const { ifMatch } = command.opts<{ ifMatch?: string }>();
  const value = await definitionText(context, file);
  const id = definitionIdOf(value, file);
  const sync = await context.api().call("putSync", {
    params: { id },
    // Sent as it is, because JSON is YAML: line numbers in the API's errors are those of the file.
    yaml: value,
    ...(ifMatch === undefined ? {} : { headers: { "if-match": ifMatch } }),
  });
  context.show(sync, (view) => syncText(view, context.view));
  context.note(sync.status === 201 ? `Created ${id}.` : `Replaced ${id}.`);
  return undefined;
}

async function definitionText({ terminal }: CommandContext, file: string): Promise<string> {
  if (file === "-") return readAll(terminal.stdin);
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new CliError(exitCodes.refused, `cannot read ${file}: ${messageOf(error)}`);
  }
}

function definitionIdOf(text: string, file: string): string {
  let value: unknown;
  try {
    value = parse(text, { schema: "core", merge: false, maxAliasCount: 50 });
  } catch (error) {
    throw new CliError(exitCodes.refused, `${file} is not YAML: ${messageOf(error)}`);
  }
  const named = Named.safeParse(value);
  if (named.success) return named.data.id;
  throw new CliError(exitCodes.refused, `${file} has no valid 'id'`, [
    "an id consists of lower-case letters, digits and single hyphens, and begins with a letter",
  ]);
}

interface ReleaseOptions extends Consent {
  readonly all?: boolean;
  readonly reason: string;
}

async function releaseHolds(
  context: CommandContext,
  command: Command,
): Promise<ExitCode | undefined> {
  const [sync = "", ...named] = command.args;
  const options = command.opts<ReleaseOptions>();
  if (named.length > 0 === (options.all === true)) {
    throw new CliError(exitCodes.refused, "name the holds to release, or use --all", [
      `to list them: postern syncs holds ${sync}`,
    ]);
  }
  const api = context.api();
  const wanted = options.all === true ? undefined : [...new Set(named)];
  let agreed = wanted;
  if (options.yes !== true || options.dryRun === true) {
    const shown = showHolds(context, await heldNow(api, sync, wanted));
    if (shown.length === 0) return exitCodeOf(wanted, 0);
    if (!(await goOn(context, options, `Release ${shown.length} held items of ${sync}?`))) {
      return exitCodeOf(wanted, shown.length);
    }
    // More may be held by now, but the person agreed only to what was shown.
    agreed = shown;
  }
  const released = await release(context, api, sync, agreed, options.reason);
  const reply = { released };
  context.show({ raw: reply, value: reply }, (value) => `${value.released} released\n`);
  if (agreed !== undefined && released < agreed.length) {
    context.note(
      `${agreed.length - released} of ${agreed.length} were not held, so they were not released.`,
    );
  }
  return exitCodeOf(wanted, agreed === undefined ? released : Math.min(released, agreed.length));
}

type Hold = z.output<typeof HoldView>;

interface Held {
  readonly holds: readonly Hold[];
  readonly missing: readonly string[];
}

async function heldNow(
  api: Api,
  sync: string,
  wanted: readonly string[] | undefined,
): Promise<Held> {
  const { value: holds } = await api.list("listHolds", { params: { id: sync } }, 100_000);
  if (wanted === undefined) return { holds, missing: [] };
  const ids = new Set(holds.map(({ id }) => id));
  return {
    holds: holds.filter(({ id }) => wanted.includes(id)),
    missing: wanted.filter((id) => !ids.has(id)),
  };
}

/** Shows what would be released and returns the ids. */
function showHolds(context: CommandContext, { holds, missing }: Held): string[] {
  context.terminal.stderr.write(holdsTable(holds, context.stderrView));
  for (const id of missing) context.note(`Not held: ${plain(id)}`);
  context.note(`${holds.length} would be released.`);
  return holds.map(({ id }) => id);
}

/** The API accepts a thousand. Smaller requests finish sooner, and after a failure the rest is still held. */
const HOLDS_PER_REQUEST = 200;

/** @param ids undefined: all held items */
async function release(
  context: CommandContext,
  api: Api,
  sync: string,
  ids: readonly string[] | undefined,
  reason: string,
): Promise<number> {
  const bodies =
    ids === undefined
      ? [{ reason }]
      : chunks(ids, HOLDS_PER_REQUEST).map((holds) => ({ reason, holds }));
  let released = 0;
  for (const body of bodies) {
    try {
      const { value } = await api.call("releaseHolds", { params: { id: sync }, body });
      released += value.released;
    } catch (error) {
      if (released > 0) context.note(`${released} were released before this error:`);
      throw error;
    }
  }
  return released;
}

/** Naming an item that is not held is reported by the exit code, as with dead letters. */
function exitCodeOf(wanted: readonly string[] | undefined, found: number): ExitCode {
  return wanted !== undefined && found < wanted.length ? exitCodes.refused : exitCodes.ok;
}
