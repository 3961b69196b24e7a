/**
 * Lays environment variables and secret files over the settings file, and records where each value came from. The
 * result is not validated here: the schema validates one document, whatever its layers.
 */
import { nearest } from "@postern/contracts";
import type { FieldProblem } from "@postern/contracts";
import { flawText, readYaml } from "@postern/input";
import { settingLeaves, type SettingLeaf } from "./settings-schema";

export interface Layers {
  readonly document: Record<string, unknown>;
  readonly sources: ReadonlyMap<string, string>;
  readonly problems: readonly FieldProblem[];
}

export type Environment = Readonly<Record<string, string | undefined>>;

const PREFIX = "POSTERN_";
const MOST_CHARS = 256 * 1024;

export function layersOf(
  env: Environment,
  fileText: string,
  readSecretFile: (path: string) => string,
): Layers {
  const problems: FieldProblem[] = [];
  const sources = new Map<string, string>();
  const document = readSettingsFile(fileText, problems);
  for (const path of pathsOf(document)) sources.set(path, "file");
  const overrides = overridesOf(env, document, problems);
  for (const { path, value, name } of overrides) {
    setPath(document, path, value);
    sources.set(path, `environment ${name}`);
  }
  for (const { path, kind } of settingLeaves) {
    if (kind === "secret") readSecret(document, path, sources, readSecretFile, problems);
  }
  return { document, sources, problems };
}

function readSettingsFile(text: string, problems: FieldProblem[]): Record<string, unknown> {
  if (text.length > MOST_CHARS) {
    problems.push({
      field: "$",
      problem: `the settings file is larger than ${MOST_CHARS} characters`,
    });
    return {};
  }
  const reading = readYaml(text);
  if (reading === undefined) return {};
  if (!reading.ok) {
    problems.push({ field: "$", problem: `not YAML: ${flawText(reading.flaw)}` });
    return {};
  }
  const { value } = reading;
  if (isRecord(value)) return value;
  problems.push({ field: "$", problem: "must be a mapping of settings, such as `agentId: vm-1`" });
  return {};
}

interface Override {
  readonly path: string;
  readonly name: string;
  readonly value: unknown;
}

function overridesOf(
  env: Environment,
  document: Record<string, unknown>,
  problems: FieldProblem[],
): Override[] {
  const known = new Map<string, SettingLeaf>();
  for (const leaf of settingLeaves) {
    known.set(environmentName(leaf.path), leaf);
    if (leaf.kind === "secret")
      known.set(environmentName(`${leaf.path}File`), { path: `${leaf.path}File`, kind: "text" });
  }
  const targets = isRecord(document["targets"]) ? Object.keys(document["targets"]) : [];
  const overrides: Override[] = [];
  const otlp = env["OTEL_EXPORTER_OTLP_ENDPOINT"];
  if (otlp)
    overrides.push({
      path: "telemetry.otlpEndpoint",
      name: "OTEL_EXPORTER_OTLP_ENDPOINT",
      value: otlp,
    });
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith(PREFIX) || !text) continue;
    const leaf = known.get(name);
    const path = leaf?.path ?? targetPath(name, targets);
    if (path === undefined) {
      const suggestion = nearest(name, [...known.keys()]);
      problems.push({
        field: name,
        problem: "unknown setting in the environment",
        ...(suggestion === undefined ? {} : { hint: `did you mean '${suggestion}'?` }),
      });
      continue;
    }
    overrides.push({ path, name, value: scalar(text, leaf?.kind ?? "text") });
  }
  return overrides;
}

/** `serviceBus.connectionString` → `POSTERN_SERVICE_BUS_CONNECTION_STRING`. */
export function environmentName(path: string): string {
  const words = path.replace(/([a-z0-9])([A-Z])/g, "$1_$2").replace(/[.-]/g, "_");
  return PREFIX + words.toUpperCase();
}

/** `POSTERN_TARGETS_HR_DB_URL_FILE` → `targets.hr-db.urlFile`, for a target that the file has. */
function targetPath(name: string, targets: readonly string[]): string | undefined {
  for (const target of targets) {
    const prefix = `${environmentName(`targets.${target}`)}_`;
    if (!name.startsWith(prefix)) continue;
    const key = name
      .slice(prefix.length)
      .toLowerCase()
      .replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
    return `targets.${target}.${key}`;
  }
  return undefined;
}

/** A value that does not parse as its kind stays text, so that the schema reports it. */
function scalar(text: string, kind: SettingLeaf["kind"]): unknown {
  if (kind === "number" && /^-?\d{1,15}$/.test(text)) return Number(text);
  if (kind === "boolean" && (text === "true" || text === "false")) return text === "true";
  return text;
}

function readSecret(
  document: Record<string, unknown>,
  path: string,
  sources: Map<string, string>,
  readSecretFile: (path: string) => string,
  problems: FieldProblem[],
): void {
  const filePath = `${path}File`;
  const file = getPath(document, filePath);
  if (file === undefined) return;
  deletePath(document, filePath);
  if (typeof file !== "string" || file === "") {
    problems.push({
      field: `$.${filePath}`,
      problem: "must be the path of a file that holds the secret",
    });
    return;
  }
  if (getPath(document, path) !== undefined) {
    problems.push({
      field: `$.${filePath}`,
      problem: `give either this or ${path.split(".").at(-1)}, not both`,
    });
    return;
  }
  try {
    setPath(document, path, readSecretFile(file).trim());
    sources.set(path, `secret file ${file}`);
    sources.delete(filePath);
  } catch {
    problems.push({ field: `$.${filePath}`, problem: `the file '${file}' cannot be read` });
  }
}

function pathsOf(value: unknown, path = ""): string[] {
  if (!isRecord(value)) return [path];
  return Object.entries(value).flatMap(([key, inner]) =>
    pathsOf(inner, path === "" ? key : `${path}.${key}`),
  );
}

export function getPath(document: unknown, path: string): unknown {
  let value = document;
  for (const key of path.split(".")) {
    if (!isRecord(value) || !Object.hasOwn(value, key)) return undefined;
    value = value[key];
  }
  return value;
}

function setPath(document: Record<string, unknown>, path: string, value: unknown): void {
  const keys = path.split(".");
  const last = keys.pop() ?? path;
  let place = document;
  for (const key of keys) {
    const inner = place[key];
    const next = isRecord(inner) ? inner : {};
    place[key] = next;
    place = next;
  }
  place[last] = value;
}

function deletePath(document: Record<string, unknown>, path: string): void {
  const parent = getPath(document, path.slice(0, path.lastIndexOf(".")));
  if (isRecord(parent)) delete parent[path.slice(path.lastIndexOf(".") + 1)];
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
