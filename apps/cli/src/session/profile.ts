import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { fieldProblems, problemText } from "@postern/contracts";
import { z } from "zod";
import { CliError, exitCodes } from "../exit-code";
import type { Terminal } from "../terminal";

/**
 * How to reach a branch: `~/.config/postern/NAME.json`, readable by its owner only. It names where secrets are (a file,
 * the environment); a token is in it only after `--token-stdin` and `--device-code`.
 */
const Entra = {
  tenant: z.string().min(1).max(100),
  clientId: z.string().min(1).max(100),
  scope: z.string().min(1).max(300),
  authorityHost: z.url().optional(),
};
export const Profile = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("endpoints"), file: z.string().min(1) }),
  z.strictObject({ kind: z.literal("token"), url: z.url(), token: z.string().min(1) }),
  z.strictObject({ kind: z.literal("token-file"), url: z.url(), file: z.string().min(1) }),
  z.strictObject({
    kind: z.literal("client-secret"),
    url: z.url(),
    ...Entra,
    /** Absent: AZURE_CLIENT_SECRET of the environment. */
    secretFile: z.string().min(1).optional(),
  }),
  z.strictObject({
    kind: z.literal("azure"),
    url: z.url(),
    scope: Entra.scope,
    authorityHost: Entra.authorityHost,
  }),
  z.strictObject({ kind: z.literal("device-code"), url: z.url(), ...Entra }),
]);
export type Profile = z.infer<typeof Profile>;

export const CachedToken = z.strictObject({ token: z.string(), expiresAt: z.number() });
export type CachedToken = z.infer<typeof CachedToken>;

export class ProfileStore {
  readonly directory: string;
  readonly name: string;

  constructor(terminal: Pick<Terminal, "env" | "home">, name: string | undefined) {
    const base = terminal.env["XDG_CONFIG_HOME"];
    this.directory = path.join(
      base === undefined || base === "" ? path.join(terminal.home, ".config") : base,
      "postern",
    );
    this.name = name ?? terminal.env["POSTERN_PROFILE"] ?? "default";
    if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$/.test(this.name)) {
      throw new CliError(exitCodes.refused, `'${this.name}' is no name for a profile`, [
        "use letters, digits, dots, underscores and hyphens",
      ]);
    }
  }

  get file(): string {
    return path.join(this.directory, `${this.name}.json`);
  }

  get #tokenFile(): string {
    return path.join(this.directory, `${this.name}.token`);
  }

  read(): Profile | undefined {
    const value = readJsonFile(this.file);
    if (value === undefined) return undefined;
    const parsed = Profile.safeParse(value);
    if (parsed.success) return parsed.data;
    throw new CliError(
      exitCodes.refused,
      `${this.file} is not a profile:\n${problemText(fieldProblems(parsed.error))}`,
      ["make it anew: postern login --help"],
    );
  }

  write(profile: Profile): void {
    this.#write(this.file, profile);
    this.forgetToken();
  }

  remove(): boolean {
    const known = existsSync(this.file);
    rmSync(this.file, { force: true });
    this.forgetToken();
    return known;
  }

  /** Undefined where there is none that can be read: a new one takes its place. */
  cachedToken(): CachedToken | undefined {
    try {
      return CachedToken.safeParse(readJsonFile(this.#tokenFile)).data;
    } catch {
      return undefined;
    }
  }

  cacheToken(token: CachedToken): void {
    this.#write(this.#tokenFile, token);
  }

  forgetToken(): void {
    rmSync(this.#tokenFile, { force: true });
  }

  /** Whole or not at all, and never readable by others, not even for a moment. */
  #write(file: string, value: object): void {
    const draft = `${file}.${process.pid}`;
    try {
      mkdirSync(this.directory, { recursive: true, mode: 0o700 });
      writeFileSync(draft, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
      chmodSync(draft, 0o600);
      renameSync(draft, file);
    } catch (error) {
      withdraw(draft);
      throw new CliError(exitCodes.refused, `cannot write ${file}: ${messageOf(error)}`, [
        `make ${this.directory} writable, or name another place by XDG_CONFIG_HOME`,
      ]);
    }
  }
}

/** It may hold a token. Where nothing can be written, nothing can be removed, and there is nothing to remove. */
function withdraw(draft: string): void {
  try {
    rmSync(draft, { force: true });
  } catch {
    // Why it was not written is what is told.
  }
}

function readJsonFile(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw new CliError(exitCodes.refused, `cannot read ${file}: ${messageOf(error)}`);
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new CliError(exitCodes.refused, `${file} is not JSON`, ["remove it and log in again"]);
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
