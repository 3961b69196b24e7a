import { limits } from "@postern/contracts";
import { z } from "zod";

/**
 * The id of a user or a group as Microsoft Graph gives them, or the name of a user: it becomes a part of paths at Graph
 * and of ids in Cosmos, so it holds nothing that either gives a meaning to.
 */
export const ObjectId = z
  .string()
  .min(1)
  .max(Math.floor(limits.entityIdChars / 2) - 1)
  .regex(/^(?!\.{1,2}$)[\w.@:+-]+$/);

export function isObjectId(text: string): boolean {
  return ObjectId.safeParse(text).success;
}
