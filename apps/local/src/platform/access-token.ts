import { request } from "node:https";
import { clip, limits } from "@postern/contracts";

/** Client-credentials token from the local issuer, as any caller gets one from Entra. */
export async function accessToken(options: {
  readonly authority: string;
  readonly tenantId: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly scope: string;
  readonly ca: string;
}): Promise<string> {
  const body = new URLSearchParams({
    grant_type: "client_credentials",
    client_id: options.clientId,
    client_secret: options.clientSecret,
    scope: options.scope,
  }).toString();
  const text = await new Promise<string>((resolve, reject) => {
    const call = request(
      `${options.authority}/${options.tenantId}/oauth2/v2.0/token`,
      {
        method: "POST",
        ca: options.ca,
        headers: {
          "content-type": "application/x-www-form-urlencoded",
          "content-length": Buffer.byteLength(body),
        },
      },
      (response) => {
        let received = "";
        response.setEncoding("utf8").on("data", (chunk: string) => (received += chunk));
        response.on("end", () => resolve(received));
      },
    );
    call.on("error", reject);
    call.end(body);
  });
  const parsed = JSON.parse(text) as { access_token?: string; error_description?: string };
  if (parsed.access_token === undefined)
    throw new Error(
      `the local issuer issued no token: ${parsed.error_description ?? clip(text, limits.loggedReasonChars)}`,
    );
  return parsed.access_token;
}
