/** The management calls that a local caller needs, with the paths and forms of the real host. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { hostname } from "node:os";
import { z } from "zod";
import { HOST_VERSION, type RegisteredFunction } from "../../engine/app/core-module";
import type { Trigger } from "../../engine/app/bindings";
import { readBody } from "./request";
import { writeJson, writeStatus } from "./response";

export interface HostedFunction {
  readonly fn: RegisteredFunction;
  readonly trigger: Trigger;
  readonly disabled: boolean;
  /** Below the server's address; HTTP functions only. */
  readonly route?: string | undefined;
  /** Starts the function now; absent if the trigger cannot be run by hand. */
  readonly runNow?: ((input: string) => void) | undefined;
}

export interface AdminOptions {
  readonly origin: () => string;
  readonly instanceId: string;
  readonly functions: () => readonly HostedFunction[];
  readonly state: () => "Running" | "Stopping";
}

const MAX_INPUT_BYTES = 1024 * 1024;
const RunRequest = z.looseObject({ input: z.unknown().optional() });

export class AdminEndpoints {
  readonly #options: AdminOptions;
  readonly #startedAt = Date.now();

  constructor(options: AdminOptions) {
    this.#options = options;
  }

  async serve(
    request: IncomingMessage,
    response: ServerResponse,
    path: readonly string[],
  ): Promise<void> {
    const [, area, name, rest] = path;
    const method = request.method ?? "";
    const found = this.#options.functions().find(({ fn }) => fn.metadata.name === name);
    if (method === "GET" && area === "host" && name === "status")
      return writeJson(response, 200, this.#status());
    if (area === "host" && name === "ping" && path.length === 3) return writeStatus(response, 200);
    if (area !== "functions" || path.length > 4) return writeStatus(response, 404);
    if (method === "GET" && name === undefined) {
      return writeJson(
        response,
        200,
        this.#options.functions().map((hosted) => this.#describe(hosted)),
      );
    }
    if (found === undefined) return writeStatus(response, 404);
    if (method === "GET" && rest === undefined)
      return writeJson(response, 200, this.#describe(found));
    if (method === "GET" && rest === "status") {
      return writeJson(response, 200, { isDisabled: found.disabled, errors: [] });
    }
    if (method === "POST" && rest === undefined) return this.#run(request, response, found);
    return writeStatus(response, 404);
  }

  async #run(
    request: IncomingMessage,
    response: ServerResponse,
    { runNow }: HostedFunction,
  ): Promise<void> {
    // As in the host; this also keeps web pages from starting functions behind the user's back.
    if (!/^application\/json\b/i.test(request.headers["content-type"] ?? ""))
      return writeStatus(response, 415);
    const text = (await readBody(request, MAX_INPUT_BYTES)).toString("utf8");
    let input: unknown;
    try {
      const parsed = RunRequest.safeParse(text === "" ? {} : JSON.parse(text));
      if (!parsed.success) return writeStatus(response, 400);
      input = parsed.data.input ?? "";
    } catch {
      return writeStatus(response, 400);
    }
    if (runNow === undefined) return writeStatus(response, 400);
    runNow(typeof input === "string" ? input : JSON.stringify(input));
    return writeStatus(response, 202);
  }

  #status(): object {
    return {
      id: hostname(),
      state: this.#options.state(),
      version: HOST_VERSION,
      versionDetails: `${HOST_VERSION}+emulator`,
      platformVersion: "",
      instanceId: this.#options.instanceId,
      computerName: hostname(),
      processUptime: Date.now() - this.#startedAt,
      functionAppContentEditingState: "NotAllowed",
      errors: [],
    };
  }

  #describe({ fn, trigger, disabled, route }: HostedFunction): object {
    const { name, bindings } = fn.metadata;
    const origin = this.#options.origin();
    return {
      name,
      href: `${origin}/admin/functions/${name}`,
      invoke_url_template: route === undefined ? null : `${origin}/${route}`,
      language: "node",
      isDisabled: disabled,
      isSupported: trigger.kind !== "unsupported",
      config: {
        name,
        bindings: Object.entries(bindings).map(([bindingName, binding]) => ({
          ...binding,
          name: bindingName,
        })),
      },
    };
  }
}
