// Writes every generated file. Tests fail when one is out of date.
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { format, getFileInfo, resolveConfig } from "prettier";
import { generatedFiles } from "./generated-files";

async function writeGenerated(): Promise<void> {
  for (const [file, text] of generatedFiles()) {
    const { ignored } = await getFileInfo(file, { ignorePath: ".prettierignore" });
    const formatted = ignored
      ? text
      : await format(text, { ...(await resolveConfig(file)), filepath: file });
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, formatted);
  }
}

writeGenerated().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
