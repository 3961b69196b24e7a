import { SecurityEventKind } from "@postern/contracts";
import { type Command, Option } from "commander";
import type { Runner } from "../command-context";
import { wholeNumber } from "../option-values";
import { securityTable } from "../render/security";

/** Events are for people to read: nothing has to be done about a forgery, since it had no effect. */
export function addSecurity(program: Command, run: Runner): void {
  const security = program
    .command("security")
    .description("show results and messages that did not prove to be about work of their sender");
  security
    .command("list")
    .option("-g, --group <group>", "only of this worker group")
    .addOption(new Option("--kind <kind>", "only of this kind").choices(SecurityEventKind.options))
    .option("-n, --limit <number>", "show at most this many", wholeNumber(1, 10_000), 20)
    .description("list security events, newest first")
    .action(
      run(async (context, command) => {
        const { group, kind, limit } = command.opts<{
          readonly group?: string;
          readonly kind?: SecurityEventKind;
          readonly limit: number;
        }>();
        const query = { group, kind };
        const found = await context.api().list("listSecurityEvents", { query }, limit);
        context.show(found, (items) => securityTable(items, context.view));
        if (found.value.length === 0) context.note("No security events.");
        else if (found.more) context.note("There are more; raise --limit to see them.");
        return undefined;
      }),
    );
}
