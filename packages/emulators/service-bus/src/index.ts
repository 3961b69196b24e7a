export {
  startServiceBusEmulator,
  type ServiceBusEmulator,
  type ServiceBusEmulatorOptions,
} from "./emulator";
export { QueueTopology, Topology, type TopologyInput } from "./topology";
