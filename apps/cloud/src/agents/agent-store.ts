import type { Database } from "@azure/cosmos";
import { containers } from "@postern/contracts";
import { AgentRecord } from "./agent";
import type { AgentStore } from "./agent-ports";
import { documentContainer } from "../azure/document-container";
import { keysetPage } from "../azure/keyset-page";

/** Agents as they last reported, container `agents`. */
export function createAgentStore(database: Database): AgentStore {
  const agents = documentContainer(database.container(containers.agents), AgentRecord);
  return {
    read: (id) => agents.read(id, id),
    create: (agent) => agents.create(agent),
    replace: (agent, etag) => agents.replace(agent, agent.id, etag),
    list: (options) =>
      keysetPage(agents, {
        where: ["c.type = 'agent'"],
        parameters: [],
        order: "ASC",
        ...options,
      }),
  };
}
