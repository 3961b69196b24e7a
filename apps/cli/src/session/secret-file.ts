import { readFileSync } from "node:fs";
import { CliError, exitCodes } from "../exit-code";
import { messageOf } from "./profile";

/** A secret that a file holds, without the line break at its end. */
export function readSecret(file: string, what: string): string {
  let text: string;
  try {
    text = readFileSync(file, "utf8").trim();
  } catch (error) {
    throw new CliError(exitCodes.notAuthenticated, `cannot read the ${what}: ${messageOf(error)}`);
  }
  if (text !== "") return text;
  throw new CliError(exitCodes.notAuthenticated, `${file} is empty; it should hold the ${what}`);
}
