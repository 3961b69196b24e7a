/** For tests: an HTTP server that answers as a test says, and what it was sent. */
import {
  createServer,
  type IncomingHttpHeaders,
  type RequestListener,
  type Server,
} from "node:http";
import type { AddressInfo } from "node:net";
import { text as readAll } from "node:stream/consumers";

export interface SeenRequest {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export class TestServer {
  readonly requests: SeenRequest[] = [];
  answer: RequestListener = (_, response) => void response.writeHead(404).end();
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      void readAll(request).then((body) => {
        const { method, url, headers } = request;
        this.requests.push({ method, url, headers, body });
        this.answer(request, response);
      });
    });
  }

  static async start(): Promise<TestServer> {
    const started = new TestServer();
    await new Promise<void>((resolve) => started.#server.listen(0, "127.0.0.1", resolve));
    return started;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Answers each request with one status and body. */
  replies(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): void {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    this.answer = (_, response) => void response.writeHead(status, headers).end(text);
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
