import { workKeySecretName } from "@postern/contracts";
import { accessToken } from "./access-token";
import type { State } from "./data-directory";
import type { Tokens } from "./platform-options";

/** Who is who at the local issuer: the applications, their roles, and how each of them asks for its tokens. */
export const apiAudience = "api://postern";
export const graphAudience = "https://graph.microsoft.com";
const vaultAudience = "https://vault.azure.net";
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

/** Who may do what in the vault: the cloud reads the keys of its work, the administrator rotates and revokes them. */
export const vaultTopology = {
  rights: [
    { principal: clients.cloud, secret: workKeySecretName, verbs: ["get", "list"] },
    { principal: clients.admin, secret: "*", verbs: ["get", "list", "set"] },
  ],
  secrets: [{ name: workKeySecretName, randomBytes: 32 }],
};

/** Tokens of the administrator, for the API, for Microsoft Graph and for the vault. */
export async function adminTokens(
  { tenantId, secrets }: State,
  authority: string,
  ca: string,
): Promise<Tokens> {
  const credentials = {
    ...{ authority, tenantId, ca },
    clientId: clients.admin,
    clientSecret: secrets.adminClient,
  };
  const [token, graphToken, keyVaultToken] = await Promise.all([
    accessToken({ ...credentials, scope: `${apiAudience}/.default` }),
    accessToken({ ...credentials, scope: `${graphAudience}/.default` }),
    accessToken({ ...credentials, scope: `${vaultAudience}/.default` }),
  ]);
  return { token, graphToken, keyVaultToken };
}
