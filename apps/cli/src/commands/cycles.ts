import type { Command } from "commander";
import type { CommandContext, Runner } from "../command-context";
import { CliError, type ExitCode, exitCodes } from "../exit-code";
import { wholeNumber } from "../option-values";
import { cycleFacts, cycleLine, cyclesTable } from "../render/cycles";
import type { Api } from "../session/api";
import { watch } from "../watch";
import { argument } from "./syncs";

export function addCycles(program: Command, run: Runner): void {
  const cycles = program.command("cycles").description("show the cycles of a sync definition");
  cycles
    .command("list")
    .argument("<sync>", "id of a sync definition")
    .option("-n, --limit <number>", "show at most this many", wholeNumber(1, 1_000), 20)
    .description("list cycles, newest first")
    .action(
      run(async (context, command) => {
        const { limit } = command.opts<{ limit: number }>();
        const params = { id: argument(command, 0) };
        const list = await context.api().list("listCycles", { params }, limit);
        context.show(list, (items) => cyclesTable(items, context.view));
        if (list.value.length === 0) context.note("No cycles yet.");
        return undefined;
      }),
    );
  cycles
    .command("show")
    .argument("<sync>", "id of a sync definition")
    .argument("[cycle]", "id of a cycle (default: the newest)")
    .description("show a cycle and its counts")
    .action(
      run(async (context, command) => {
        const api = context.api();
        const cycle = await api.call("getCycle", { params: await cycleNamed(api, command) });
        context.show(cycle, (value) => cycleFacts(value, context.view));
        return undefined;
      }),
    );
  cycles
    .command("watch")
    .argument("<sync>", "id of a sync definition")
    .argument("[cycle]", "id of a cycle (default: the newest)")
    .option("--timeout <seconds>", "give up after this time", wholeNumber(1, 86_400))
    .description("follow a cycle until every item has an outcome")
    .addHelpText(
      "after",
      "\nThe exit code is 2 if items were dead-lettered or their outcome is unknown.",
    )
    .action(run(watchCycle));
}

async function cycleNamed(api: Api, command: Command): Promise<{ id: string; cycleId: string }> {
  const id = argument(command, 0);
  if (command.args[1] !== undefined) return { id, cycleId: command.args[1] };
  const newest = await api.call("listCycles", { params: { id }, query: { limit: 1 } });
  const [cycle] = newest.value.items;
  if (cycle === undefined)
    throw new CliError(exitCodes.refused, "this sync definition has no cycle yet");
  return { id, cycleId: cycle.id };
}

async function watchCycle(context: CommandContext, command: Command): Promise<ExitCode> {
  const { timeout } = command.opts<{ timeout?: number }>();
  const api = context.api();
  const params = await cycleNamed(api, command);
  const last = await watch(context.terminal, {
    read: () => api.call("getCycle", { params }),
    line: ({ value }, live) => cycleLine(value, live),
    ended: ({ value }) => value.state === "completed",
    timeoutSeconds: timeout,
  });
  context.show(last, (value) => cycleFacts(value, context.view));
  const { deadLettered, outcomeUnknown } = last.value;
  return deadLettered + outcomeUnknown > 0 ? exitCodes.failed : exitCodes.ok;
}
