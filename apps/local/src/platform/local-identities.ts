import { accessToken } from "./access-token";
import type { State } from "./data-directory";
import type { Endpoints } from "./platform-options";

/** Who is who at the local issuer: the applications, their roles, and how each of them asks for its tokens. */
export const apiAudience = "api://postern";
export const graphAudience = "https://graph.microsoft.com";
const clients = { cloud: "postern-cloud", agent: "postern-agent", admin: "postern-admin" } as const;

/** What the issuer is started with. */
export function clientRegistry({ tenantId, secrets }: State): unknown {
  const everyRole = ["Reader", "Operator", "TargetAdmin", "Approver", "Agent"];
  return {
    tenantId,
    clients: [
      {
        clientId: clients.cloud,
        clientSecret: secrets.cloudClient,
        roles: { [graphAudience]: ["Directory.Read.All"] },
      },
      {
        clientId: clients.agent,
        clientSecret: secrets.agentClient,
        roles: { [apiAudience]: ["Agent"] },
      },
      {
        clientId: clients.admin,
        clientSecret: secrets.adminClient,
        roles: { [apiAudience]: everyRole, [graphAudience]: ["Directory.ReadWrite.All"] },
      },
    ],
  };
}

/** Environment by which Azure's identity library finds the identity of a part of the product. */
export function identityOf(
  part: "cloud" | "agent",
  { tenantId, secrets }: State,
  authority: string,
): Record<string, string> {
  return {
    AZURE_TENANT_ID: tenantId,
    AZURE_CLIENT_ID: clients[part],
    AZURE_CLIENT_SECRET: part === "cloud" ? secrets.cloudClient : secrets.agentClient,
    AZURE_AUTHORITY_HOST: authority,
  };
}

/** Tokens of the administrator, for the API and for Microsoft Graph. */
export async function adminTokens(
  { tenantId, secrets }: State,
  authority: string,
  ca: string,
): Promise<Pick<Endpoints, "token" | "graphToken">> {
  const credentials = {
    ...{ authority, tenantId, ca },
    clientId: clients.admin,
    clientSecret: secrets.adminClient,
  };
  const [token, graphToken] = await Promise.all([
    accessToken({ ...credentials, scope: `${apiAudience}/.default` }),
    accessToken({ ...credentials, scope: `${graphAudience}/.default` }),
  ]);
  return { token, graphToken };
}
