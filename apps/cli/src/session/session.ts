import { readFileSync } from "node:fs";
import { z } from "zod";
import { CliError, exitCodes } from "../exit-code";
import type { Terminal } from "../terminal";
import { acquireToken } from "./entra-token";
import { type CachedToken, messageOf, type Profile, type ProfileStore } from "./profile";
import { readSecret } from "./secret-file";

/** Address of an API and the means to be let in. */
export interface Session {
  /** Without `/api` and without a slash at the end. */
  readonly url: string;
  /** Undefined where there is none: some routes need none. */
  readonly token: () => Promise<string | undefined>;
}

/** What the local platform writes; it renews the token in it, so the file is read each time. */
const Endpoints = z.object({ functions: z.string(), token: z.string() });

/** The environment goes before the profile: `POSTERN_ENDPOINTS`, or `POSTERN_URL` with `POSTERN_TOKEN`. */
export function openSession(terminal: Terminal, store: ProfileStore): Session {
  const { env } = terminal;
  const file = env["POSTERN_ENDPOINTS"];
  if (file !== undefined && file !== "") return endpointsSession(file);
  const url = env["POSTERN_URL"];
  const token = env["POSTERN_TOKEN"];
  if (url !== undefined && url !== "") {
    // A profile's token is for the profile's address: it is not shown to another one.
    return {
      url: safeUrl(url),
      token: () => Promise.resolve(token === "" ? undefined : token?.trim()),
    };
  }
  const profile = store.read();
  if (profile === undefined) {
    throw new CliError(exitCodes.notAuthenticated, "not logged in", [
      "postern login --help lists the ways; for the local platform: postern login --endpoints DATA/endpoints.json",
      "or set POSTERN_URL and POSTERN_TOKEN",
    ]);
  }
  const session = profileSession(profile, terminal, store);
  if (token === undefined || token === "") return session;
  return { url: session.url, token: () => Promise.resolve(token.trim()) };
}

export function profileSession(profile: Profile, terminal: Terminal, store: ProfileStore): Session {
  switch (profile.kind) {
    case "endpoints":
      return endpointsSession(profile.file);
    case "token":
      return { url: safeUrl(profile.url), token: () => Promise.resolve(profile.token) };
    case "token-file":
      return {
        url: safeUrl(profile.url),
        token: () => Promise.resolve(readSecret(profile.file, "token")),
      };
    case "client-secret":
    case "azure":
    case "device-code": {
      // Where it cannot be written down it is still good for the requests of this command.
      let held: CachedToken | undefined;
      return {
        url: safeUrl(profile.url),
        token: async () => {
          held = await acquireToken(profile, terminal, store, held);
          return held.token;
        },
      };
    }
  }
}

function endpointsSession(file: string): Session {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new CliError(exitCodes.notAuthenticated, `cannot read ${file}: ${messageOf(error)}`, [
      "the local platform writes it: npm start shows where",
    ]);
  }
  const parsed = Endpoints.safeParse(jsonOf(text));
  if (!parsed.success) {
    throw new CliError(exitCodes.refused, `${file} is not an endpoints.json of the local platform`);
  }
  const { functions, token } = parsed.data;
  return { url: safeUrl(functions), token: () => Promise.resolve(token) };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A bearer token goes over TLS, or does not leave this machine. */
export function safeUrl(text: string): string {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new CliError(exitCodes.refused, `'${text}' is not an address`, [
      "for example https://func-postern-north.azurewebsites.net",
    ]);
  }
  const loopback = ["127.0.0.1", "localhost", "[::1]"].includes(url.hostname);
  if (url.protocol !== "https:" && !(url.protocol === "http:" && loopback)) {
    throw new CliError(exitCodes.refused, `${text}: a token is not sent without TLS`, [
      "use https; http is for this machine only",
    ]);
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, "").replace(/\/api$/, "");
}
