/**
 * The device-code flow for public clients: `POST /{tenant}/oauth2/v2.0/devicecode`, and the grant of the same name at
 * the token endpoint. The person's part is in device-login-page.ts.
 */
import type { HttpsReply } from "@postern/emulator-kit";
import { oauthError, oauthReply, unknownClient } from "./oauth-error";
import { objectId } from "../engine/token-issuer";
import type { IssuerContext } from "./issuer-context";

export const deviceCodeGrants: ReadonlySet<string> = new Set([
  "urn:ietf:params:oauth:grant-type:device_code",
  // Sent by Microsoft's libraries.
  "device_code",
]);

/** Scopes of the login itself, not of a resource. */
const LOGIN_SCOPES = new Set(["openid", "profile", "email", "offline_access"]);
/** The delegated permission that every client of this tenant has consent to. */
const DELEGATED_SCOPE = "user_impersonation";

export function beginDeviceLogin(form: URLSearchParams, context: IssuerContext): HttpsReply {
  const { tenant, deviceCodes, deviceCodeSeconds, intervalSeconds, authority } = context;
  const clientId = form.get("client_id") ?? "";
  if (!tenant.clients.some((client) => client.clientId === clientId))
    return unknownClient(clientId, tenant.tenantId);
  const scope = form.get("scope") ?? "";
  if (resourceOf(scope) === undefined) return invalidScope(scope);
  const { deviceCode, userCode } = deviceCodes.begin(clientId, scope);
  const verificationUri = `${authority}/devicelogin`;
  return oauthReply({
    user_code: userCode,
    device_code: deviceCode,
    verification_uri: verificationUri,
    expires_in: deviceCodeSeconds,
    interval: intervalSeconds,
    message: `To sign in, use a web browser to open the page ${verificationUri} and enter the code ${userCode} to authenticate.`,
  });
}

export async function serveDeviceCodeGrant(
  form: URLSearchParams,
  { tenant, issuer, lifetimeSeconds, deviceCodes }: IssuerContext,
): Promise<HttpsReply> {
  const clientId = form.get("client_id") ?? "";
  const client = tenant.clients.find((candidate) => candidate.clientId === clientId);
  if (client === undefined) return unknownClient(clientId, tenant.tenantId);
  if (!client.publicClient) {
    const missing = "'client_assertion' or 'client_secret'";
    const text = `The request body must contain the following parameter: ${missing}.`;
    return oauthError(401, "invalid_client", 7000218, text);
  }
  const state = deviceCodes.take(form.get("device_code") ?? "", clientId);
  switch (state.kind) {
    case "unknown":
      return oauthError(400, "bad_verification_code", 70018, "Bad verification code.");
    case "expired":
      return oauthError(
        400,
        "expired_token",
        70020,
        "The provided value for 'device_code' has expired.",
      );
    case "declined":
      return oauthError(400, "authorization_declined", 70017, "The end user denied the request.");
    case "pending":
      return oauthError(
        400,
        "authorization_pending",
        70016,
        "OAuth 2.0 device flow error. Authorization is pending. Continue polling.",
      );
    case "approved":
      break;
  }
  const user = tenant.users.find(({ username }) => username === state.username);
  const resource = resourceOf(state.scope);
  if (user === undefined || resource === undefined) return invalidScope(state.scope);
  const { tenantId } = tenant;
  const oid = objectId(tenantId, user.username);
  const person = { oid, sub: oid, name: user.name, preferred_username: user.username };
  // Claims that only app tokens have: https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
  const notAnApp = { idtyp: undefined, azpacr: "0" };
  const { audience, permission } = resource;
  const [accessToken, idToken] = await Promise.all([
    issuer.issue({
      clientId,
      audience,
      roles: user.roles[audience] ?? [],
      claims: { ...person, ...notAnApp, scp: permission },
    }),
    issuer.issue({
      clientId,
      audience: clientId,
      claims: { ...person, ...notAnApp, azpacr: undefined, appid: undefined, azp: undefined },
    }),
  ]);
  const clientInfo = { uid: oid, utid: tenantId };
  return oauthReply({
    token_type: "Bearer",
    scope: `${audience}/${permission}`,
    expires_in: lifetimeSeconds,
    ext_expires_in: lifetimeSeconds,
    access_token: accessToken,
    id_token: idToken,
    client_info: Buffer.from(JSON.stringify(clientInfo)).toString("base64url"),
  });
}

function resourceOf(scope: string): { audience: string; permission: string } | undefined {
  const scopes = scope.split(" ").filter((one) => one !== "" && !LOGIN_SCOPES.has(one));
  const [, audience, name] = /^(.+)\/([^/]+)$/.exec(scopes[0] ?? "") ?? [];
  if (scopes.length !== 1 || audience === undefined || name === undefined) return undefined;
  return { audience, permission: name === ".default" ? DELEGATED_SCOPE : name };
}

function invalidScope(scope: string): HttpsReply {
  const text = `The provided value for the input parameter 'scope' is not valid. The scope '${scope}' does not name one resource.`;
  return oauthError(400, "invalid_scope", 70011, text);
}
