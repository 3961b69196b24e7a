import { randomBytes } from "node:crypto";
import {
  checkTopology,
  type Emulator,
  type EmulatorOptions,
  FaultPlan,
  startControlServer,
} from "@postern/emulator-kit";
import { Broker } from "./engine/broker";
import { monotonicClock } from "./engine/model/clock";
import { openStore } from "./store/open-store";
import { Topology, type TopologyInput } from "./topology";
import { KEY_NAME, SharedAccess } from "./wire/connection/shared-access";
import { Statistics } from "./wire/connection/statistics";
import { startListener } from "./wire/listener";
import { addProperties } from "./wire/messages/message-content";

export interface ServiceBusEmulatorOptions extends EmulatorOptions {
  readonly topology: TopologyInput;
  /** Absent: the one kept in the data directory, or a new random one. */
  readonly sharedAccessKey?: string | undefined;
}

export interface ServiceBusEmulator extends Emulator {
  /** For the official SDKs. */
  readonly connectionString: string;
  readonly port: number;
}

const KEY_BYTES = 32;

/**
 * Starts an emulated Service Bus namespace on loopback.
 *
 * @throws StartError if the topology is not valid or does not fit the data directory
 */
export async function startServiceBusEmulator(
  options: ServiceBusEmulatorOptions,
): Promise<ServiceBusEmulator> {
  const topology = checkTopology("options.topology", options.topology, Topology);
  const clock = monotonicClock();
  const store = await openStore(options.dataDirectory);
  // Undone in reverse, at the end or when the start fails halfway.
  await using opened = new AsyncDisposableStack();
  opened.defer(() => store.close());
  const key = store.sharedAccessKey(options.sharedAccessKey, () =>
    randomBytes(KEY_BYTES).toString("base64"),
  );
  const broker = new Broker(topology.queues, { clock, store, editProperties: addProperties });
  opened.defer(() => broker.close());
  const faults = new FaultPlan();
  const statistics = new Statistics();
  const stats = (): Record<string, number> => statistics.snapshot(broker);
  const sharedAccess = new SharedAccess(key, clock);
  const services = { broker, clock, store, sharedAccess, faults, statistics };
  const listener = await startListener(options.port ?? 0, services);
  opened.defer(() => listener.close());
  const control = await startControlServer({ port: options.controlPort ?? 0, faults, stats });
  opened.defer(() => control.close());
  const started = opened.move();
  return {
    connectionString: `Endpoint=sb://localhost:${listener.port};SharedAccessKeyName=${KEY_NAME};SharedAccessKey=${key};UseDevelopmentEmulator=true;`,
    port: listener.port,
    faults,
    control: control.url,
    stats,
    close: () => started.disposeAsync(),
  };
}
