import { existsSync } from "node:fs";
import path from "node:path";

/** The root of the repository, from a source file as from a bundle: the nearest folder above with a workspace file. */
export function workspaceRoot(from: string = __dirname): string {
  if (existsSync(path.join(from, "pnpm-workspace.yaml"))) return from;
  const parent = path.dirname(from);
  if (parent === from)
    throw new Error(
      "the local platform must run inside its repository: no parent folder contains pnpm-workspace.yaml",
    );
  return workspaceRoot(parent);
}
