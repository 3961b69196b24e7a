import type { FieldProblem, Heartbeat } from "@postern/contracts";
import { agentView } from "./agent";
import { recordHeartbeat } from "./agent-heartbeat";
import type { AgentPorts } from "./agent-ports";
import { ServiceUnavailable } from "@postern/runtime";
import type { Handlers } from "../http/endpoint";
import { afterOf, continuationOf } from "../http/list-continuation";
import { unknownName } from "../http/unknown-name";
import { invalidRequest } from "../http/request-error";

export function agentHandlers(ports: AgentPorts): Pick<Handlers, "listAgents" | "heartbeat"> {
  return {
    listAgents: async ({ query: { limit, continuation } }) => {
      const page = await ports.agents.list({ limit, after: afterOf("agents", continuation) });
      const now = ports.clock.now();
      return {
        status: 200,
        body: {
          items: page.items.map((agent) => agentView(agent, now)),
          continuation: continuationOf("agents", page.next),
        },
      };
    },
    heartbeat: async ({ params: { id }, body, caller }) => {
      const problems = placeProblems(ports, body);
      if (problems.length > 0) throw invalidRequest(problems);
      const { reply, event, readsMore } = await recordHeartbeat(ports, id, body, caller);
      if (event !== null) {
        ports.logger.info(`agent.${event}`, {
          agentId: id,
          group: body.group,
          host: body.host,
          version: body.version,
          oid: caller.oid,
        });
      }
      if (readsMore) await sendParkedTo(ports, body);
      return { status: 200, body: reply };
    },
  };
}

/** A failure does not fail the heartbeat: a timer looks after what is still parked. */
async function sendParkedTo(
  ports: AgentPorts,
  { group, capabilities }: Pick<Heartbeat, "group" | "capabilities">,
): Promise<void> {
  try {
    await ports.sendParked(group, capabilities);
  } catch (error) {
    if (!(error instanceof ServiceUnavailable)) throw error;
    ports.logger.warn("parked-message.send-failed", { group, service: error.service });
  }
}

/** An agent of another branch, or of an unknown group, has the wrong settings and must learn it immediately. */
function placeProblems(
  { stamp }: AgentPorts,
  heartbeat: { readonly branch: string; readonly group: string },
): FieldProblem[] {
  const problems: FieldProblem[] = [];
  if (heartbeat.branch !== stamp.branch) {
    problems.push({ field: "$.branch", problem: `this is branch '${stamp.branch}'` });
  }
  const groups: readonly string[] = stamp.groups.map(({ name }) => name);
  if (!groups.includes(heartbeat.group)) {
    problems.push(unknownName("$.group", "worker group", heartbeat.group, groups));
  }
  return problems;
}
