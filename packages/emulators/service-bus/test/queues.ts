import { ServiceBusClient, type RetryOptions } from "@azure/service-bus";
import {
  startServiceBusEmulator,
  type ServiceBusEmulator,
  type ServiceBusEmulatorOptions,
} from "../src";

export type Queues = ServiceBusEmulatorOptions["topology"]["queues"];

/** An emulator, the clients made for it, and their end. */
export interface Bench {
  readonly emulator: ServiceBusEmulator;
  readonly client: ServiceBusClient;
  newClient(retryOptions?: RetryOptions): ServiceBusClient;
  close(): Promise<void>;
}

/** The SDK waits 30 s before it tries again; tests do not. */
export const RETRIES = { maxRetries: 2, retryDelayInMs: 100, timeoutInMs: 3000 };

export async function startBench(
  queues: Queues,
  options: Omit<ServiceBusEmulatorOptions, "topology"> = {},
): Promise<Bench> {
  const emulator = await startServiceBusEmulator({ ...options, topology: { queues } });
  const clients: ServiceBusClient[] = [];
  const newClient = (retryOptions: RetryOptions = RETRIES): ServiceBusClient => {
    const client = new ServiceBusClient(emulator.connectionString, { retryOptions });
    clients.push(client);
    return client;
  };
  return {
    emulator,
    client: newClient(),
    newClient,
    close: async () => {
      await Promise.all(clients.map((client) => client.close()));
      await emulator.close();
    },
  };
}
