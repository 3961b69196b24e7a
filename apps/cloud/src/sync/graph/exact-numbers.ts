import type { Context, Middleware } from "@microsoft/microsoft-graph-client";
import { parseExactJson } from "./exact-json";

/** Lets the client read answers with exact numbers. Stands right before the handler that sends. */
export class ExactNumbers implements Middleware {
  #next: Middleware | undefined;

  setNext(next: Middleware): void {
    this.#next = next;
  }

  async execute(context: Context): Promise<void> {
    await this.#next?.execute(context);
    const { response } = context;
    if (response === undefined) return;
    Object.assign(response, {
      json: async (): Promise<unknown> => parseExactJson(await response.text()),
    });
  }
}
