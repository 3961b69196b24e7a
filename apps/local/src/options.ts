import path from "node:path";
import { clip, limits } from "@postern/contracts";
import { numberFlag, OptionsError, pathFlag, readFlags } from "./flags";

/** Options of `npm start`. Paths are absolute. */
export interface StartOptions {
  /** Exit once everything is in step. */
  readonly once: boolean;
  /** Progress on stderr, one JSON object as the last line of stdout. */
  readonly json: boolean;
  /** Tenant file of Graph resources. */
  readonly tenant: string | undefined;
  /** People of the generated sample tenant. */
  readonly people: number | undefined;
  /** Directory that holds all state; a fresh temporary one when undefined. */
  readonly data: string | undefined;
  readonly target: TargetUrl | undefined;
  /** Sync definition, YAML. */
  readonly definition: string | undefined;
}

export interface TargetUrl {
  /** In the form that a connector takes. */
  readonly url: string;
  /** In the form that people see: without a password. */
  readonly shown: string;
}

const flags = {
  once: { type: "boolean" },
  json: { type: "boolean" },
  tenant: { type: "string" },
  people: { type: "string" },
  data: { type: "string" },
  target: { type: "string" },
  definition: { type: "string" },
  help: { type: "boolean" },
} as const;

export const MAX_PEOPLE = 200_000;

export const usage = `npm start -- [--once] [--tenant FILE] [--people N] [--data DIR] [--target URL] [--definition FILE] [--json]

  --once             exit once everything is in step (0, or 2 if an item failed)
  --tenant FILE      Microsoft Graph users and groups as JSON; default: a generated company of about 500 people
  --people N         number of people in the generated company, 1 to ${MAX_PEOPLE.toLocaleString("en")}
  --data DIR         keep all state here and continue from it next time; default: a new temporary directory
  --target URL       sqlite:PATH or postgres://...; default: an SQLite file in the data directory
  --definition FILE  sync definition in YAML; default: people, groups and group_members
  --json             progress on stderr, one JSON object as the last line of stdout`;

export function parseTarget(text: string, directory: string): TargetUrl {
  if (text.startsWith("sqlite:")) {
    const file = text.slice("sqlite:".length).replace(/^\/\/(?=\/)/, "");
    if (file === "")
      throw new OptionsError("--target: sqlite: needs a path, for example sqlite:./hr.db");
    const url = `sqlite:${path.resolve(directory, file)}`;
    return { url, shown: url };
  }
  if (/^postgres(ql)?:\/\//.test(text)) {
    let url: URL;
    try {
      url = new URL(text);
    } catch {
      throw new OptionsError(
        "--target: this postgres:// URL is not valid; expected postgres://user:password@host:port/database",
      );
    }
    if (url.password !== "") url.password = "redacted";
    return { url: text, shown: url.toString() };
  }
  throw new OptionsError(
    `--target: '${clip(text, limits.quotedChars)}' is neither sqlite:PATH nor postgres://...`,
  );
}

/**
 * Reads the command line of `start`.
 *
 * @param directory relative paths start here: the caller's directory
 * @throws OptionsError naming the option and the problem
 */
export function parseOptions(argv: readonly string[], directory: string): StartOptions | "help" {
  const values = readFlags(argv, flags);
  if (values.help === true) return "help";
  const file = (name: "tenant" | "data" | "definition"): string | undefined => {
    const value = values[name];
    return value === undefined ? undefined : pathFlag(name, value, directory);
  };
  if (values.people !== undefined && values.tenant !== undefined) {
    throw new OptionsError(
      "--people: sets the size of the generated company and cannot go with --tenant; use one of them",
    );
  }
  return {
    once: values.once ?? false,
    json: values.json ?? false,
    tenant: file("tenant"),
    people:
      values.people === undefined
        ? undefined
        : numberFlag("people", values.people, { least: 1, most: MAX_PEOPLE }),
    data: file("data"),
    target: values.target === undefined ? undefined : parseTarget(values.target, directory),
    definition: file("definition"),
  };
}
