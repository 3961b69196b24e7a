import { readFileSync } from "node:fs";
import path from "node:path";
import { text as readAll } from "node:stream/consumers";
import { type Command, Option } from "commander";
import type { CommandContext, Runner } from "../command-context";
import { CliError, exitCodes } from "../exit-code";
import { Api, ApiProblem } from "../session/api";
import { fetchToken, keepToken } from "../session/entra-token";
import { messageOf, type Profile } from "../session/profile";
import { profileSession, safeUrl } from "../session/session";

interface LoginOptions {
  readonly endpoints?: string;
  readonly url?: string;
  readonly tokenStdin?: boolean;
  readonly tokenFile?: string;
  readonly deviceCode?: boolean;
  readonly azure?: boolean;
  readonly tenant?: string;
  readonly clientId?: string;
  readonly clientSecretFile?: string;
  readonly scope: string;
  readonly authority?: string;
}

const DEFAULT_SCOPE = "api://postern/.default";

export function addLogin(program: Command, run: Runner): void {
  program
    .command("login")
    .description("log in to a branch and save how in a profile")
    .addOption(
      new Option("--endpoints <file>", "endpoints.json written by the local platform").conflicts(
        "url",
      ),
    )
    .option("--url <url>", "URL of the branch's function app")
    .option("--token-stdin", "read an access token from standard input and save it")
    .option("--token-file <file>", "read the access token from this file for each command")
    .option(
      "--azure",
      "use the Azure identity of this machine: az login, workload or managed identity",
    )
    .option("--device-code", "log in with a browser on this or another device")
    .option("--tenant <id>", "Microsoft Entra tenant")
    .option("--client-id <id>", "id of the app registration to log in with")
    .option(
      "--client-secret-file <file>",
      "file with its client secret (default: $AZURE_CLIENT_SECRET)",
    )
    .option("--scope <scope>", "scope of the API", DEFAULT_SCOPE)
    .option("--authority <url>", "authority to use instead of login.microsoftonline.com")
    .addHelpText(
      "after",
      `
Tokens and secrets are never command line arguments, because other programs could read them there.

  postern login --endpoints ./data/endpoints.json
  postern login --url https://func-north.azurewebsites.net --azure
  postern login --url https://func-north.azurewebsites.net --device-code --tenant ID --client-id ID
  postern login --url https://func-north.azurewebsites.net --tenant ID --client-id ID --client-secret-file secret
  some-tool token | postern login --url https://func-north.azurewebsites.net --token-stdin`,
    )
    .action(
      run(async (context, command) => {
        const profile = await profileOf(context, command.opts<LoginOptions>());
        return login(context, profile);
      }),
    );
  program
    .command("logout")
    .description("delete a profile and its tokens")
    .action(
      run(async (context) => {
        const known = context.profiles.remove();
        context.note(known ? "Logged out." : `There is no profile '${context.profiles.name}'.`);
        return known ? exitCodes.ok : exitCodes.refused;
      }),
    );
}

async function profileOf(context: CommandContext, options: LoginOptions): Promise<Profile> {
  const { endpoints, url, tenant, clientId, scope, authority } = options;
  if (endpoints !== undefined) return { kind: "endpoints", file: path.resolve(endpoints) };
  if (url === undefined) {
    throw new CliError(
      exitCodes.refused,
      "choose what to log in to: --endpoints FILE or --url URL",
    );
  }
  const address = safeUrl(url);
  if (options.tokenStdin === true) {
    const token = (await readAll(context.terminal.stdin)).trim();
    if (token === "") throw new CliError(exitCodes.refused, "standard input contains no token");
    return { kind: "token", url: address, token };
  }
  if (options.tokenFile !== undefined) {
    return { kind: "token-file", url: address, file: readable(options.tokenFile) };
  }
  const authorityHost = authority === undefined ? {} : { authorityHost: authority };
  if (options.azure === true) return { kind: "azure", url: address, scope, ...authorityHost };
  if (tenant === undefined || clientId === undefined) {
    throw new CliError(
      exitCodes.refused,
      "choose how to log in: --azure, --token-stdin, --token-file FILE, or --tenant and --client-id",
    );
  }
  const entra = {
    url: address,
    tenant,
    clientId,
    scope,
    ...authorityHost,
  };
  if (options.deviceCode === true) return { kind: "device-code", ...entra };
  const secretFile = options.clientSecretFile;
  return {
    kind: "client-secret",
    ...entra,
    ...(secretFile === undefined ? {} : { secretFile: readable(secretFile) }),
  };
}

function readable(file: string): string {
  const resolved = path.resolve(file);
  try {
    readFileSync(resolved);
  } catch (error) {
    throw new CliError(exitCodes.refused, `cannot read ${file}: ${messageOf(error)}`);
  }
  return resolved;
}

/**
 * Saves the profile only after the API has accepted the login; a failed or interrupted one leaves the old profile as it
 * was.
 */
async function login(context: CommandContext, profile: Profile): Promise<undefined> {
  const { terminal, profiles } = context;
  const fetched = "scope" in profile ? await fetchToken(profile, terminal) : undefined;
  const session =
    fetched === undefined || !("scope" in profile)
      ? profileSession(profile, terminal, profiles)
      : { url: safeUrl(profile.url), token: () => Promise.resolve(fetched.token) };
  try {
    await new Api(session).call("listSyncs", { query: { limit: 1 } });
  } catch (error) {
    // A caller who may not read sync definitions, such as an approver, is still logged in.
    if (!(error instanceof ApiProblem && error.problem.code === "not-authorised")) throw error;
  }
  profiles.write(profile);
  if (fetched !== undefined) keepToken(fetched, terminal, profiles);
  context.note(`Logged in to ${session.url} (profile '${profiles.name}', ${profiles.file}).`);
  return undefined;
}
