import { readFileSync } from "node:fs";
import { z } from "zod";
import { parseExactJson } from "./exact-json";
import { placeOf, syntaxErrorOffset } from "./json-syntax";
import { StartError } from "./start-error";

/** A file cannot be read or is not JSON. The message gives the reason and the place in the file, not its name. */
export class JsonFileError extends Error {
  override readonly name = "JsonFileError";
}

/**
 * Reads a JSON file; a byte order mark is skipped.
 *
 * @throws JsonFileError if the file cannot be read or is not JSON
 */
export function readJsonFile(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, "utf8").replace(/^\uFEFF/, "");
  } catch (error) {
    throw new JsonFileError(reasonOf(error), { cause: error });
  }
  try {
    return parseExactJson(text);
  } catch (error) {
    const { line, column } = placeOf(text, syntaxErrorOffset(text) ?? text.length);
    throw new JsonFileError(
      `it is not JSON at line ${line}, column ${column}: ${reasonOf(error)}`,
      { cause: error },
    );
  }
}

/**
 * Checks what configures an emulator.
 *
 * @param source names the value in the error message
 * @throws StartError `bad-topology`, naming every wrong field
 */
export function checkTopology<T>(source: string, value: unknown, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new StartError(
    "bad-topology",
    `${source} is not a usable topology:\n${z.prettifyError(parsed.error)}`,
  );
}

/**
 * Reads and checks the file that configures an emulator.
 *
 * @throws StartError `bad-topology`, naming the file and every wrong field
 */
export function readTopologyFile<T>(file: string, schema: z.ZodType<T>): T {
  let value: unknown;
  try {
    value = readJsonFile(file);
  } catch (error) {
    if (!(error instanceof JsonFileError)) throw error;
    throw new StartError("bad-topology", `${file} is not a usable topology: ${error.message}`, {
      cause: error,
    });
  }
  return checkTopology(file, value, schema);
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
