import { existsSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import { FunctionsHostError } from "../diagnostics/errors";
import { readCheckedFile } from "./json-file";

const Value = z.union([z.string(), z.number(), z.boolean()]).transform(String);
const Values = z.record(z.string().min(1).max(500), Value);
const LocalSettings = z.looseObject({
  IsEncrypted: z
    .literal(false, "encrypted settings are not supported: decrypt them with Core Tools")
    .optional(),
  Values: Values.default({}),
});

export interface AppSettingsSources {
  readonly appDirectory: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly file?: string | undefined;
  readonly settings?: Readonly<Record<string, string>> | undefined;
}

/**
 * The settings of the app. Later sources win: `Values` of local.settings.json, the process environment (both as with
 * Core Tools), then what this run was given explicitly, so that a variable left over in a shell cannot point a test at
 * a real service.
 */
export class AppSettings {
  /** Settings to add to the process environment for the app. */
  readonly added: Readonly<Record<string, string>>;
  readonly #values = new Map<string, string>();
  readonly #folded = new Map<string, string>();

  constructor(sources: AppSettingsSources) {
    const local = path.join(sources.appDirectory, "local.settings.json");
    const fromLocal = existsSync(local)
      ? readCheckedFile(local, LocalSettings, "settings-invalid").Values
      : {};
    const given = {
      ...(sources.file === undefined
        ? {}
        : readCheckedFile(sources.file, Values, "settings-invalid")),
      ...sources.settings,
    };
    for (const [name, value] of Object.entries({
      ...fromLocal,
      ...sources.environment,
      ...given,
    })) {
      if (value === undefined) continue;
      this.#values.set(name, value);
      this.#folded.set(name.toLowerCase(), value);
    }
    this.added = Object.fromEntries(
      [...this.#values].filter(([name, value]) => sources.environment[name] !== value),
    );
  }

  /** Names are compared as in the .NET host: case-insensitively; `:` and `__` are the same separator. */
  get(name: string): string | undefined {
    return (
      this.#values.get(name) ??
      this.#folded.get(name.toLowerCase()) ??
      this.#folded.get(name.toLowerCase().replaceAll(":", "__"))
    );
  }

  /**
   * Replaces every `%NAME%` by the setting of that name.
   *
   * @throws FunctionsHostError `setting-missing`
   */
  expand(text: string, where: string): string {
    return text.replace(/%([^%]+)%/g, (_, name: string) => {
      const value = this.get(name);
      if (value !== undefined) return value;
      throw new FunctionsHostError(
        "setting-missing",
        `${where}: app setting ${name} (in "${text}") does not exist`,
      );
    });
  }

  /** Whether `AzureWebJobs.<function>.Disabled` is set, the service's switch for one function. */
  isDisabled(functionName: string): boolean {
    const value =
      this.get(`AzureWebJobs.${functionName}.Disabled`) ??
      this.get(`AzureWebJobs_${functionName}_Disabled`);
    return value === "1" || value?.toLowerCase() === "true";
  }
}
