import type { Connection } from "@postern/local";
import { FaultProxy, type FaultKind } from "./fault-proxy";

export type ProxiedConnection = Connection | "agent-postgres";

/** The proxies of one platform, one on each connection of the product. */
export class Connections {
  readonly #proxies = new Map<ProxiedConnection, FaultProxy>();

  /** For {@link PlatformOptions.connect}. */
  readonly connect = async (connection: ProxiedConnection, targetPort: number): Promise<number> => {
    const proxy = await FaultProxy.listen({ targetPort });
    this.#proxies.set(connection, proxy);
    return proxy.port;
  };

  get names(): readonly ProxiedConnection[] {
    return [...this.#proxies.keys()];
  }

  at(connection: ProxiedConnection): FaultProxy {
    const proxy = this.#proxies.get(connection);
    if (proxy === undefined) throw new Error(`no proxy stands on ${connection}`);
    return proxy;
  }

  healAll(): void {
    for (const proxy of this.#proxies.values()) proxy.heal();
  }

  /** How many connections each kind of fault has met. */
  struck(): Record<FaultKind, number> {
    const sum: Record<FaultKind, number> = {
      latency: 0,
      cut: 0,
      outage: 0,
      "black-hole": 0,
      "half-open": 0,
      "slow-reader": 0,
      "lose-reply": 0,
    };
    for (const { struck } of this.#proxies.values())
      for (const kind of Object.keys(struck) as FaultKind[]) sum[kind] += struck[kind];
    return sum;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#proxies.values()].map((proxy) => proxy.close()));
  }
}
