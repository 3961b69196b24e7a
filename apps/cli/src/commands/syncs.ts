import { readFileSync } from "node:fs";
import { text as readAll } from "node:stream/consumers";
import {
  CycleAccepted,
  DefinitionId,
  HoldList,
  ReleaseReply,
  SyncList,
  SyncView,
} from "@postern/contracts";
import { type Command, Option } from "commander";
import { parse } from "yaml";
import { z } from "zod";
import type { CommandContext, Runner } from "../command-context";
import { type Consent, goOn } from "../confirm";
import { CliError, exitCodes } from "../exit-code";
import { listPages } from "../list-pages";
import { headerValue, wholeNumber } from "../option-values";
import { holdsTable, syncsTable, syncText } from "../render/syncs";
import { plain } from "../render/text";
import { messageOf } from "../session/profile";

export function addSyncs(program: Command, run: Runner): void {
  const syncs = program.command("syncs").description("sync definitions and what they hold back");
  syncs
    .command("list")
    .description("list sync definitions and where they stand")
    .action(
      run(async (context) => {
        const list = await listPages(context.api(), "syncs", SyncList, { limit: 1_000 });
        context.show(list, (items) => syncsTable(items, context.view));
        if (list.value.length === 0) context.note("No sync definitions: postern syncs apply FILE.");
        return undefined;
      }),
    );
  syncs
    .command("show")
    .argument("<sync>", "id of a sync definition")
    .description("show a sync definition and its last cycle")
    .action(
      run(async (context, command) => {
        const sync = await context.api().call("GET", `syncs/${segment(command, 0)}`, SyncView);
        context.show(sync, (value) => syncText(value, context.view));
        return undefined;
      }),
    );
  syncs
    .command("apply")
    .argument("<file>", "YAML or JSON; - reads standard input")
    .option(
      "--if-match <etag>",
      "only if nobody has changed it since: etag of `syncs show`",
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
        const path = `syncs/${segment(command, 0)}/cycles`;
        const cycle = await context.api().call("POST", path, CycleAccepted);
        context.show(cycle, ({ cycleId }) => `${plain(cycleId)}\n`);
        context.note(`postern cycles watch ${command.args[0] ?? ""} follows it.`);
        return undefined;
      }),
    );
  syncs
    .command("holds")
    .argument("<sync>", "id of a sync definition")
    .option("-n, --limit <number>", "at most so many", wholeNumber(1, 100_000), 50)
    .description("list deletes and disables that wait for a person")
    .action(
      run(async (context, command) => {
        const { limit } = command.opts<{ limit: number }>();
        const path = `syncs/${segment(command, 0)}/holds`;
        const list = await listPages(context.api(), path, HoldList, { limit });
        context.show(list, (items) => holdsTable(items, context.view));
        if (list.value.length === 0) context.note("Nothing is held.");
        else if (list.more) context.note("There are more: --limit.");
        return undefined;
      }),
    );
  syncs
    .command("release")
    .argument("<sync>", "id of a sync definition")
    .argument("[hold...]", "ids of holds")
    .addOption(new Option("--all", "all that are held"))
    .requiredOption("--reason <text>", "why, for the audit trail")
    .option("--dry-run", "only show what would be released")
    .option("-y, --yes", "do not ask")
    .description("let held deletes and disables go out")
    .action(run(releaseHolds));
}

/** An argument as a segment of a path. */
export function segment(command: Command, index: number): string {
  return encodeURIComponent(command.args[index] ?? "");
}

const Named = z.object({ id: DefinitionId });

async function applySync(context: CommandContext, command: Command): Promise<undefined> {
  const [file = "-"] = command.args;
  const { ifMatch } = command.opts<{ ifMatch?: string }>();
  const value = await definitionText(context, file);
  const id = definitionIdOf(value, file);
  const sync = await context.api().call("PUT", `syncs/${id}`, SyncView, {
    // The API reads YAML, and JSON is YAML: what it says of a line is the line of the file.
    text: { type: "application/yaml", value },
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
  throw new CliError(exitCodes.refused, `${file} has no 'id' that a sync definition can have`, [
    "lower-case letters, digits and single hyphens, beginning with a letter",
  ]);
}

async function releaseHolds(context: CommandContext, command: Command): Promise<undefined> {
  const [sync = "", ...holds] = command.args;
  const options = command.opts<Consent & { all?: boolean; reason: string }>();
  if (holds.length > 0 === (options.all === true)) {
    throw new CliError(exitCodes.refused, "name the holds to release, or say --all", [
      `postern syncs holds ${sync} lists them`,
    ]);
  }
  const path = `syncs/${encodeURIComponent(sync)}/holds`;
  if (options.yes !== true) {
    const list = await listPages(context.api(), path, HoldList, { limit: 100_000 });
    const chosen = list.value.filter(({ id }) => options.all === true || holds.includes(id));
    context.terminal.stderr.write(holdsTable(chosen, context.view));
    context.note(`${chosen.length} would be released.`);
    if (chosen.length === 0) return undefined;
    if (!(await goOn(context, options, `Release ${chosen.length} held items of ${sync}?`))) {
      return undefined;
    }
  }
  const released = await context.api().call("POST", `${path}/release`, ReleaseReply, {
    body: { reason: options.reason, ...(holds.length === 0 ? {} : { holds }) },
  });
  context.show(released, (value) => `${value.released} released\n`);
  return undefined;
}
