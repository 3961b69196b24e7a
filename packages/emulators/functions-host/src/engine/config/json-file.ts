import { JsonFileError, readJsonFile } from "@postern/emulator-kit";
import { z } from "zod";
import { FunctionsHostError, type HostErrorCode } from "../diagnostics/errors";

/**
 * Reads and checks a JSON file of the app or of the host's data.
 *
 * @throws FunctionsHostError with `code`, naming the file and every wrong field
 */
export function readCheckedFile<T>(file: string, schema: z.ZodType<T>, code: HostErrorCode): T {
  let content: unknown;
  try {
    content = readJsonFile(file);
  } catch (error) {
    if (!(error instanceof JsonFileError)) throw error;
    throw new FunctionsHostError(code, `${file}: ${error.message}`, { cause: error });
  }
  return checkValue(file, content, schema, code);
}

/** @throws FunctionsHostError with `code`, naming `source` and every wrong field */
export function checkValue<T>(
  source: string,
  value: unknown,
  schema: z.ZodType<T>,
  code: HostErrorCode,
): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new FunctionsHostError(code, `${source}:\n${z.prettifyError(parsed.error)}`);
}
