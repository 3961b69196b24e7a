import type { TokenCredential } from "@azure/identity";
import { CliError, exitCodes } from "../exit-code";
import { plain } from "../render/text";
import type { Terminal } from "../terminal";
import { type CachedToken, messageOf, type Profile, type ProfileStore } from "./profile";
import { readSecret } from "./secret-file";

type EntraProfile = Extract<Profile, { scope: string }>;

/** The library waits for its issuer without end. Managed identities and `az` may take tens of seconds. */
const ANSWERED_WITHIN_MS = 60_000;
/**
 * A person has 15 minutes to enter a code (https://learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code).
 */
const ENTERED_WITHIN_MS = 16 * 60_000;

/** A token that ends during the request would be refused. */
const EARLY_MS = 2 * 60_000;

/** A token of Microsoft Entra: the one at hand or the one of the profile's cache while it lasts, else a new one. */
export async function acquireToken(
  profile: EntraProfile,
  terminal: Terminal,
  store: ProfileStore,
  held: CachedToken | undefined,
): Promise<CachedToken> {
  const lasts = (token: CachedToken): boolean => token.expiresAt - EARLY_MS > terminal.now();
  if (held !== undefined && lasts(held)) return held;
  const cached = store.cachedToken();
  if (cached !== undefined && lasts(cached)) return cached;
  if (profile.kind === "device-code" && !terminal.interactive) {
    throw new CliError(exitCodes.notAuthenticated, "the login has expired", [
      "postern login again",
    ]);
  }
  const token = await fetchToken(profile, terminal);
  keepToken(token, terminal, store);
  return token;
}

/** The cache saves a request to the issuer, no more: where it cannot be written, the command goes on. */
export function keepToken(token: CachedToken, terminal: Terminal, store: ProfileStore): void {
  try {
    store.cacheToken(token);
  } catch (error) {
    terminal.stderr.write(
      `The token is not kept for the next command: ${plain(messageOf(error))}\n`,
    );
  }
}

/**
 * A new token; nothing is written down. The identity library is loaded only here: it takes longer than most commands.
 */
export async function fetchToken(profile: EntraProfile, terminal: Terminal): Promise<CachedToken> {
  try {
    const credential = await credentialOf(profile, terminal);
    const withinMs = profile.kind === "device-code" ? ENTERED_WITHIN_MS : ANSWERED_WITHIN_MS;
    const token = await inTime(credential.getToken(profile.scope), withinMs);
    if (token === null) throw new Error("no token was given");
    return { token: token.token, expiresAt: token.expiresOnTimestamp };
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw noToken(messageOf(error));
  }
}

/** How the library names the ends of a login that a person has a part in. */
const LOGIN_ENDS = [
  { pattern: /authorization_declined/, text: "the login was declined in the browser" },
  { pattern: /device_code_expired|expired_token/, text: "the code was not entered in time" },
] as const;

function noToken(message: string): CliError {
  const end = LOGIN_ENDS.find(({ pattern }) => pattern.test(message));
  if (end !== undefined) {
    return new CliError(exitCodes.notAuthenticated, end.text, ["postern login again"]);
  }
  const [firstLine = ""] = message.split("\n");
  return new CliError(exitCodes.notAuthenticated, `no token from Microsoft Entra: ${firstLine}`);
}

async function inTime<T>(answer: Promise<T>, withinMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const text = `Microsoft Entra did not answer within ${withinMs / 1_000} s`;
      reject(new CliError(exitCodes.unreachable, text, ["check the network and the proxy"]));
    }, withinMs);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}

async function credentialOf(profile: EntraProfile, terminal: Terminal): Promise<TokenCredential> {
  const identity = await import("@azure/identity");
  const { authorityHost } = profile;
  const authority =
    authorityHost === undefined
      ? {}
      : // A sovereign cloud or a local issuer is not in the public directory of authorities.
        { authorityHost, disableInstanceDiscovery: true };
  if (profile.kind === "azure") return new identity.DefaultAzureCredential(authority);
  const { tenant, clientId } = profile;
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
        userPromptCallback: ({ message }) => void terminal.stderr.write(`${plain(message)}\n`),
      });
  }
}
