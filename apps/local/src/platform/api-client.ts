import type { z } from "zod";
import { cyclePage } from "./cycle-page";
import {
  CycleAccepted,
  CycleView,
  DeadLetterList,
  SyncList,
  SyncView,
  type SyncDefinition,
} from "@postern/contracts";

export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** The HTTP API as the local platform uses it: like any other caller, with a bearer token. */
export class ApiClient {
  readonly #base: string;
  readonly #token: () => string;

  constructor(base: string, token: () => string) {
    this.#base = base;
    this.#token = token;
  }

  putSync(definition: SyncDefinition): Promise<SyncView> {
    return this.#call("PUT", `syncs/${definition.id}`, SyncView, definition);
  }

  /** Every sync definition that is enabled. */
  async enabledSyncs(): Promise<SyncView[]> {
    const { items } = await this.#call("GET", "syncs?limit=200", SyncList);
    return items.filter(({ definition }) => definition.enabled);
  }

  getSync(id: string): Promise<SyncView> {
    return this.#call("GET", `syncs/${id}`, SyncView);
  }

  startCycle(id: string): Promise<z.infer<typeof CycleAccepted>> {
    return this.#call("POST", `syncs/${id}/cycles`, CycleAccepted);
  }

  getCycle(id: string, cycleId: string): Promise<CycleView> {
    return this.#call("GET", `syncs/${id}/cycles/${cycleId}`, CycleView);
  }

  async listCycles(id: string): Promise<CycleView[]> {
    return (await this.#call("GET", `syncs/${id}/cycles?limit=50`, cyclePage)).items;
  }

  async openDeadLetters(): Promise<z.infer<typeof DeadLetterList>["items"]> {
    return (await this.#call("GET", "deadletters?state=open&limit=20", DeadLetterList)).items;
  }

  /** All of them, however many. */
  async everyOpenDeadLetter(): Promise<z.infer<typeof DeadLetterList>["items"]> {
    const found: z.infer<typeof DeadLetterList>["items"] = [];
    for (let after: string | null = ""; after !== null;) {
      const query: string = after === "" ? "" : `&continuation=${encodeURIComponent(after)}`;
      const page: z.infer<typeof DeadLetterList> = await this.#call(
        "GET",
        `deadletters?state=open&limit=200${query}`,
        DeadLetterList,
      );
      found.push(...page.items);
      after = page.continuation;
    }
    return found;
  }

  async #call<Schema extends z.ZodType>(
    method: string,
    path: string,
    schema: Schema,
    body?: unknown,
  ): Promise<z.infer<Schema>> {
    const response = await fetch(`${this.#base}/api/${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.#token()}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(30_000),
    });
    const text = await response.text();
    if (!response.ok)
      throw new ApiError(
        response.status,
        `${method} /api/${path} answered ${response.status}: ${problemText(text)}`,
      );
    return schema.parse(JSON.parse(text));
  }
}

function problemText(text: string): string {
  try {
    const problem = JSON.parse(text) as {
      detail?: string;
      errors?: { field: string; problem: string; hint?: string }[];
    };
    const errors = (problem.errors ?? []).map(
      ({ field, problem: what, hint }) =>
        `${field}: ${what}${hint === undefined ? "" : ` (${hint})`}`,
    );
    return [problem.detail ?? text.slice(0, 500), ...errors].join("\n");
  } catch {
    return text.slice(0, 500);
  }
}
