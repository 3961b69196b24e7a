export {
  startServiceBusEmulator,
  type ServiceBusEmulator,
  type ServiceBusEmulatorOptions,
} from "./emulator";
export { parseTopology, QueueTopology, Topology, type TopologyInput } from "./topology";
