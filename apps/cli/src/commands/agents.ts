import { AgentList, Health } from "@postern/contracts";
import type { Command } from "commander";
import type { Runner } from "../command-context";
import { exitCodes } from "../exit-code";
import { listPages } from "../list-pages";
import { agentsTable } from "../render/agents";
import { healthText } from "../render/health";

export function addAgents(program: Command, run: Runner): void {
  program
    .command("agents")
    .description("the workers in the private network")
    .command("list")
    .description("list agents, their targets and when they were seen")
    .action(
      run(async (context) => {
        const list = await listPages(context.api(), "agents", AgentList, { limit: 10_000 });
        context.show(list, (items) => agentsTable(items, context.view));
        if (list.value.length === 0) context.note("No agent has registered.");
        return undefined;
      }),
    );
}

export function addHealth(program: Command, run: Runner): void {
  program
    .command("health")
    .description("whether the branch and the services it needs answer; exit code 2 when not")
    .action(
      run(async (context) => {
        const api = context.api();
        const health = await api.call("GET", "health", Health, {
          expected: [503],
          anonymous: true,
        });
        context.show(health, (value) => healthText(value, api.url, context.view));
        return health.value.status === "ok" ? exitCodes.ok : exitCodes.failed;
      }),
    );
}
