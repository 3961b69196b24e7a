import { readFileSync } from "node:fs";
import { isAbsolute } from "node:path";
import { PosternError, Secret } from "@postern/contracts";
import type { SqlSettings } from "./settings";

export type DatabaseLocation =
  | { readonly kind: "sqlite"; readonly file: string }
  | { readonly kind: "postgres"; readonly url: Secret };

/** @throws PosternError `settings-invalid` */
export function databaseLocation(text: string): DatabaseLocation {
  if (text.startsWith("sqlite:")) {
    const file = text.slice("sqlite:".length).replace(/^\/\/(?=\/)/, "");
    if (isAbsolute(file) && !file.includes("\0")) return { kind: "sqlite", file };
    throw new PosternError(
      "settings-invalid",
      "$.url: a sqlite url needs an absolute path (sqlite:/var/lib/app/data.db)",
    );
  }
  if (/^postgres(ql)?:\/\//.test(text) && URL.canParse(text)) {
    return { kind: "postgres", url: new Secret(text) };
  }
  throw new PosternError(
    "settings-invalid",
    "$.url: must be sqlite:/absolute/path or postgres://user:password@host:port/database",
  );
}

/** Where the settings point now. @throws PosternError `settings-invalid` when the url file cannot be read */
export function locationOf(settings: Pick<SqlSettings, "url" | "urlFile">): DatabaseLocation {
  if (settings.url) return databaseLocation(settings.url.reveal());
  try {
    return databaseLocation(readFileSync(settings.urlFile ?? "", "utf8").trim());
  } catch (error) {
    if (error instanceof PosternError) throw error;
    throw new PosternError("settings-invalid", `$.urlFile: ${settings.urlFile} cannot be read`, {
      cause: error,
    });
  }
}

/** Undefined when the settings name no file now. */
export function databaseFile(settings: Pick<SqlSettings, "url" | "urlFile">): string | undefined {
  try {
    const location = locationOf(settings);
    return location.kind === "sqlite" ? location.file : undefined;
  } catch {
    return undefined;
  }
}

/** A target keeps to one kind of database: which thread it works in was decided by it. */
export function otherKind(): PosternError {
  return new PosternError(
    "settings-invalid",
    "$.urlFile: names another kind of database than when the target was opened; restart the agent",
  );
}
