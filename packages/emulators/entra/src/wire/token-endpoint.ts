/**
 * `POST /{tenant}/oauth2/v2.0/token`: the client-credentials grant with a secret, the device-code grant, and Entra's
 * errors.
 */
import { sameSecret, type HttpsReply, type HttpsRequest } from "@postern/emulator-kit";
import { deviceCodeGrants, serveDeviceCodeGrant } from "./device-code-grant";
import type { IssuerContext } from "./issuer-context";
import { oauthError, oauthReply, unknownClient } from "./oauth-error";

export function formOf(request: HttpsRequest): URLSearchParams {
  return new URLSearchParams(request.body.toString("utf8"));
}

/** The credentials in the header or the form; undefined if they cannot be decoded. */
function credentials(
  request: HttpsRequest,
  form: URLSearchParams,
): { clientId: string; clientSecret: string } | undefined {
  const basic = /^Basic (.+)$/i.exec(request.headers.authorization ?? "")?.[1];
  if (basic === undefined) {
    return { clientId: form.get("client_id") ?? "", clientSecret: form.get("client_secret") ?? "" };
  }
  const [clientId = "", clientSecret = ""] = Buffer.from(basic, "base64")
    .toString("utf8")
    .split(":", 2);
  try {
    return {
      clientId: decodeURIComponent(clientId),
      clientSecret: decodeURIComponent(clientSecret),
    };
  } catch {
    return undefined;
  }
}

export async function serveToken(
  request: HttpsRequest,
  context: IssuerContext,
): Promise<HttpsReply> {
  const { tenant, issuer, lifetimeSeconds } = context;
  const form = formOf(request);
  const grant = form.get("grant_type");
  if (grant === null) {
    return oauthError(
      400,
      "invalid_request",
      900144,
      "The request body must contain the following parameter: 'grant_type'.",
    );
  }
  if (deviceCodeGrants.has(grant)) return serveDeviceCodeGrant(form, context);
  if (grant !== "client_credentials") {
    return oauthError(
      400,
      "unsupported_grant_type",
      70003,
      `The app requested an unsupported grant type '${grant}'.`,
    );
  }
  const given = credentials(request, form);
  if (given === undefined) {
    return oauthError(401, "invalid_client", 7000215, "Invalid client secret provided.");
  }
  const { clientId, clientSecret } = given;
  const client = tenant.clients.find((candidate) => candidate.clientId === clientId);
  if (client === undefined) return unknownClient(clientId, tenant.tenantId);
  if (client.clientSecret === undefined || !sameSecret(clientSecret, client.clientSecret)) {
    return oauthError(
      401,
      "invalid_client",
      7000215,
      `Invalid client secret provided for app '${clientId}'.`,
    );
  }
  const scopes = (form.get("scope") ?? "").split(" ").filter((scope) => scope !== "");
  const audience = scopes.length === 1 ? /^(.+)\/\.default$/.exec(scopes[0] ?? "")?.[1] : undefined;
  if (audience === undefined) {
    return oauthError(
      400,
      "invalid_scope",
      1002012,
      `The provided value for scope ${scopes.join(" ")} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).`,
    );
  }
  const roles = client.roles[audience] ?? [];
  const token = await issuer.issue({ clientId, audience, roles });
  return oauthReply({
    token_type: "Bearer",
    expires_in: lifetimeSeconds,
    ext_expires_in: lifetimeSeconds,
    access_token: token,
  });
}
