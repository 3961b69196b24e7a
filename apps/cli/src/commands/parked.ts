import { ParkedState } from "@postern/contracts";
import { type Command, Option } from "commander";
import type { Runner } from "../command-context";
import { wholeNumber } from "../option-values";
import { parkedTable, parkedText } from "../render/parked";
import { argument } from "./syncs";

/** There are no commands to act on parked messages: they are resent once an agent that reads them comes online. */
export function addParked(program: Command, run: Runner): void {
  const parked = program.command("parked").description("show messages that wait for a newer agent");
  parked
    .command("list")
    .option("-g, --group <group>", "only of this worker group")
    .option("-t, --target <target>", "only for this target")
    .addOption(
      new Option("--state <state>", "only in this state")
        .choices(ParkedState.options)
        .default("parked"),
    )
    .option("--any-state", "in any state; overrides --state")
    .option("-n, --limit <number>", "show at most this many", wholeNumber(1, 10_000), 20)
    .description("list parked messages, ordered by id")
    .action(
      run(async (context, command) => {
        const { group, target, state, anyState, limit } = command.opts<{
          readonly group?: string;
          readonly target?: string;
          readonly state: ParkedState;
          readonly anyState?: boolean;
          readonly limit: number;
        }>();
        const query = { group, target, state: anyState === true ? undefined : state };
        const found = await context.api().list("listParked", { query }, limit);
        context.show(found, (items) => parkedTable(items, context.view));
        if (found.value.length === 0) context.note("No parked messages.");
        else if (found.more) context.note("There are more; raise --limit to see them.");
        return undefined;
      }),
    );
  parked
    .command("show")
    .argument("<id>", "id of a parked message")
    .addOption(
      new Option(
        "--payload <how>",
        "how to show the payload; full needs the role Operator and is audited",
      )
        .choices(["redacted", "full"])
        .default("redacted"),
    )
    .description("show a parked message, the version it needs and its payload")
    .action(
      run(async (context, command) => {
        const { payload } = command.opts<{ payload: "redacted" | "full" }>();
        const params = { id: argument(command, 0) };
        const message = await context.api().call("getParked", { params, query: { payload } });
        context.show(message, (value) => parkedText(value, context.view));
        return undefined;
      }),
    );
}
