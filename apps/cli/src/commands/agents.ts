import type { Command } from "commander";
import type { Runner } from "../command-context";
import { exitCodes } from "../exit-code";
import { agentsTable } from "../render/agents";
import { healthText } from "../render/health";

export function addAgents(program: Command, run: Runner): void {
  program
    .command("agents")
    .description("show the agents in the private network")
    .command("list")
    .description("list agents, their targets and when each was last seen")
    .action(
      run(async (context) => {
        const list = await context.api().list("listAgents", {}, 10_000);
        context.show(list, (items) => agentsTable(items, context.view));
        if (list.value.length === 0) context.note("No agent has registered yet.");
        return undefined;
      }),
    );
}

export function addHealth(program: Command, run: Runner): void {
  program
    .command("health")
    .description("check the branch and the services it depends on")
    .addHelpText("after", "\nThe exit code is 2 if one of them does not respond.")
    .action(
      run(async (context) => {
        const api = context.api();
        const health = await api.call("getHealth");
        context.show(health, (value) => healthText(value, api.url, context.view));
        return health.value.status === "ok" ? exitCodes.ok : exitCodes.failed;
      }),
    );
}
