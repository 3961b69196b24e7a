import type { TokenCredential } from "@azure/identity";
import { CliError, exitCodes } from "../exit-code";
import type { Terminal } from "../terminal";
import { messageOf, type Profile, type ProfileStore } from "./profile";
import { readSecret } from "./secret-file";

type EntraProfile = Extract<Profile, { scope: string }>;

/** A token that ends during the request would be refused. */
const EARLY_MS = 2 * 60_000;

/**
 * A token of Microsoft Entra, from the profile's cache while it lasts. The identity library is loaded only when one has to
 * be fetched: it takes longer than most commands.
 */
export async function acquireToken(
  profile: EntraProfile,
  terminal: Terminal,
  store: ProfileStore,
  options: { readonly fresh?: boolean } = {},
): Promise<string> {
  const cached = options.fresh === true ? undefined : store.cachedToken();
  if (cached !== undefined && cached.expiresAt - EARLY_MS > terminal.now()) return cached.token;
  if (profile.kind === "device-code" && options.fresh !== true && !terminal.interactive) {
    throw new CliError(exitCodes.notAuthenticated, "the login has expired", [
      "postern login again",
    ]);
  }
  try {
    const credential = await credentialOf(profile, terminal);
    const token = await credential.getToken(profile.scope);
    if (token === null) throw new Error("no token was given");
    store.cacheToken({ token: token.token, expiresAt: token.expiresOnTimestamp });
    return token.token;
  } catch (error) {
    if (error instanceof CliError) throw error;
    const [firstLine = ""] = messageOf(error).split("\n");
    throw new CliError(exitCodes.notAuthenticated, `no token from Microsoft Entra: ${firstLine}`);
  }
}

async function credentialOf(profile: EntraProfile, terminal: Terminal): Promise<TokenCredential> {
  const identity = await import("@azure/identity");
  if (profile.kind === "azure") return new identity.DefaultAzureCredential();
  const { tenant, clientId, authorityHost } = profile;
  const authority =
    authorityHost === undefined
      ? {}
      : // A sovereign cloud or a local issuer is not in the public directory of authorities.
        { authorityHost, disableInstanceDiscovery: true };
  switch (profile.kind) {
    case "client-secret": {
      const secret =
        profile.secretFile === undefined
          ? terminal.env["AZURE_CLIENT_SECRET"]
          : readSecret(profile.secretFile, "client secret");
      if (secret === undefined || secret === "") {
        throw new CliError(exitCodes.notAuthenticated, "there is no client secret", [
          "set AZURE_CLIENT_SECRET, or log in with --client-secret-file",
        ]);
      }
      return new identity.ClientSecretCredential(tenant, clientId, secret, authority);
    }
    case "device-code":
      return new identity.DeviceCodeCredential({
        tenantId: tenant,
        clientId,
        ...authority,
        userPromptCallback: ({ message }) => void terminal.stderr.write(`${message}\n`),
      });
  }
}
