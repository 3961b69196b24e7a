/**
 * A TCP proxy that does to connections what networks do. One stands on each connection of the product.
 *
 * | fault       | established connections                     | new connections  | when healed                        |
 * | ----------- | ------------------------------------------- | ---------------- | ---------------------------------- |
 * | latency     | every byte is late, in order                | the same         | at full speed                      |
 * | cut         | reset on both sides, once                   | pass             |                                    |
 * | outage      | reset on both sides                         | reset on connect | pass                               |
 * | black-hole  | nothing is read, nothing answered           | accepted, silent | what was sent arrives, as TCP does |
 * | half-open   | the server sees an end, the client nothing  | pass             | stay dead until the client ends it |
 * | slow-reader | both sides are read slowly                  | the same         | at full speed                      |
 * | lose-reply  | the next request arrives, its reply is lost | the same         | pass                               |
 *
 * It understands no protocol: a request is what the client sends, a reply is what the server sends after it.
 */
import { connect, createServer, type Server, type Socket } from "node:net";

export const faultKinds = [
  "latency",
  "cut",
  "outage",
  "black-hole",
  "half-open",
  "slow-reader",
  "lose-reply",
] as const;
export type FaultKind = (typeof faultKinds)[number];

/**
 * In force until healed, except `cut`, `half-open` (which happen immediately) and `lose-reply` (which happens once).
 */
type Condition = "none" | "latency" | "outage" | "black-hole" | "slow-reader" | "lose-reply";

const SLOW_BYTES_PER_SECOND = 16_384;
const SLOW_CHUNK_BYTES = 1_024;

export interface FaultProxyOptions {
  readonly targetPort: number;
  /** Delay of the fault `latency`, each way. */
  readonly latencyMs?: number;
}

export class FaultProxy {
  readonly #options: FaultProxyOptions;
  readonly #server: Server;
  readonly #pipes = new Set<Pipe>();
  /** How often each fault met a connection. */
  readonly struck: Record<FaultKind, number> = {
    latency: 0,
    cut: 0,
    outage: 0,
    "black-hole": 0,
    "half-open": 0,
    "slow-reader": 0,
    "lose-reply": 0,
  };
  #condition: Condition = "none";

  private constructor(options: FaultProxyOptions) {
    this.#options = options;
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (client) =>
      this.#accept(client),
    );
  }

  static async listen(options: FaultProxyOptions): Promise<FaultProxy> {
    const proxy = new FaultProxy(options);
    await new Promise<void>((resolve, reject) => {
      proxy.#server.once("error", reject);
      proxy.#server.listen(0, "127.0.0.1", resolve);
    });
    return proxy;
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("the proxy is closed");
    return address.port;
  }

  get connections(): number {
    return this.#pipes.size;
  }

  inject(kind: FaultKind): void {
    switch (kind) {
      case "cut":
        for (const pipe of this.#pipes) this.#strike(kind, () => pipe.reset());
        return;
      case "half-open":
        for (const pipe of this.#pipes) this.#strike(kind, () => pipe.loseServer());
        return;
      case "outage":
        this.#condition = kind;
        for (const pipe of this.#pipes) this.#strike(kind, () => pipe.reset());
        return;
      case "black-hole":
        this.#condition = kind;
        for (const pipe of this.#pipes) this.#strike(kind, () => pipe.hold());
        return;
      case "latency":
      case "slow-reader":
        this.#condition = kind;
        for (const pipe of this.#pipes) this.#strike(kind, () => this.#apply(pipe));
        return;
      case "lose-reply":
        this.#condition = kind;
    }
  }

  heal(): void {
    this.#condition = "none";
    for (const pipe of this.#pipes) {
      pipe.delayMs = 0;
      pipe.slow = false;
      pipe.release();
    }
  }

  async close(): Promise<void> {
    for (const pipe of this.#pipes) pipe.reset();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #strike(kind: FaultKind, strike: () => void): void {
    this.struck[kind] += 1;
    strike();
  }

  #accept(client: Socket): void {
    if (this.#condition === "outage") {
      client.on("error", () => undefined);
      this.#strike("outage", () => client.resetAndDestroy());
      return;
    }
    const upstream = connect({
      port: this.#options.targetPort,
      host: "127.0.0.1",
      allowHalfOpen: true,
      noDelay: true,
    });
    const pipe: Pipe = new Pipe(client, upstream, {
      losesReply: () => this.#condition === "lose-reply",
      onReplyLost: () => {
        this.#condition = "none";
        this.struck["lose-reply"] += 1;
      },
      onClosed: () => this.#pipes.delete(pipe),
    });
    this.#pipes.add(pipe);
    this.#apply(pipe);
  }

  #apply(pipe: Pipe): void {
    if (this.#condition === "latency") pipe.delayMs = this.#options.latencyMs ?? 300;
    if (this.#condition === "slow-reader") pipe.slow = true;
    if (this.#condition === "black-hole") this.#strike("black-hole", () => pipe.hold());
  }
}

interface PipeOwner {
  readonly losesReply: () => boolean;
  readonly onReplyLost: () => void;
  readonly onClosed: () => void;
}

/** One connection: two directions, each in order. */
class Pipe {
  delayMs = 0;
  slow = false;
  readonly #client: Socket;
  readonly #upstream: Socket;
  readonly #owner: PipeOwner;
  /** Holds both directions while not empty resolves. */
  #held: Promise<void> | undefined;
  #release: () => void = () => undefined;
  #serverLost = false;
  #replyAwaited = false;
  #closed = false;

  constructor(client: Socket, upstream: Socket, owner: PipeOwner) {
    this.#client = client;
    this.#upstream = upstream;
    this.#owner = owner;
    for (const socket of [client, upstream]) {
      socket.on("error", () => this.reset());
      socket.on("close", () => {
        if (client.destroyed && upstream.destroyed) this.#close();
      });
    }
    void this.#carry(client, upstream, "request");
    void this.#carry(upstream, client, "reply");
  }

  /** Both sides see a reset. */
  reset(): void {
    this.#client.resetAndDestroy();
    this.#upstream.resetAndDestroy();
    this.release();
    this.#close();
  }

  /** The server side is closed without the client noticing. */
  loseServer(): void {
    if (this.#serverLost) return;
    this.#serverLost = true;
    this.#upstream.destroy();
    this.release();
  }

  hold(): void {
    if (this.#held !== undefined || this.#serverLost) return;
    this.#held = new Promise((resolve) => {
      this.#release = resolve;
    });
  }

  release(): void {
    this.#held = undefined;
    this.#release();
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#owner.onClosed();
  }

  async #carry(from: Socket, to: Socket, direction: "request" | "reply"): Promise<void> {
    let dueMs = 0;
    let pending = Promise.resolve();
    try {
      for await (const chunk of from as AsyncIterable<Buffer>) {
        await this.#held;
        if (this.#serverLost) continue;
        if (direction === "request" && this.#owner.losesReply()) this.#replyAwaited = true;
        if (direction === "reply" && this.#replyAwaited) {
          // The server has answered, so it has done the work.
          this.#owner.onReplyLost();
          this.reset();
          return;
        }
        if (this.slow) {
          for (let at = 0; at < chunk.length; at += SLOW_CHUNK_BYTES) {
            const part = chunk.subarray(at, at + SLOW_CHUNK_BYTES);
            await this.#write(to, part);
            if (this.slow) await pause((part.length * 1_000) / SLOW_BYTES_PER_SECOND);
          }
          continue;
        }
        dueMs = Math.max(dueMs, performance.now() + this.delayMs);
        const waitMs = dueMs - performance.now();
        // In order, and without holding up the chunks behind: they are late by the same time, not by its sum.
        if (waitMs <= 0) await pending.then(() => this.#write(to, chunk));
        else {
          pending = Promise.all([pending, pause(waitMs)]).then(() => this.#write(to, chunk));
          pending.catch(() => undefined);
        }
      }
      await pending;
      if (this.#serverLost) this.#client.destroy();
      else to.end();
    } catch {
      if (!this.#serverLost) this.reset();
      else if (from === this.#client) this.#client.destroy();
    }
  }

  async #write(to: Socket, chunk: Buffer): Promise<void> {
    await this.#held;
    if (this.#serverLost || to.destroyed) return;
    if (to.write(chunk)) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        to.off("drain", done);
        to.off("close", done);
        resolve();
      };
      to.on("drain", done);
      to.on("close", done);
    });
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
