import { parseExactJson } from "./exact-json";

/** What a handler of the Graph client passes on: the request, and then the answer. */
interface Exchange {
  readonly response?: Response | undefined;
}

interface Handler<Context> {
  execute(context: Context): Promise<void>;
}

/** Lets the client read answers with exact numbers. Stands right before the handler that sends. */
export class ExactNumbers<Context extends Exchange> implements Handler<Context> {
  #next: Handler<Context> | undefined;

  setNext(next: Handler<Context>): void {
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
