import type { Handlers } from "../endpoint";
import { openApiDocument } from "./openapi";
import type { Settings } from "../../settings";

export function openApiHandlers(settings: Settings): Pick<Handlers, "getOpenApi"> {
  let document: Record<string, unknown> | undefined;
  return {
    getOpenApi: async () => {
      document ??= openApiDocument({ version: settings.version, issuer: settings.auth.issuer });
      return { status: 200, body: document };
    },
  };
}
