export { startCosmosEmulator, type CosmosEmulator, type CosmosEmulatorOptions } from "./emulator";
export { Topology, type TopologyInput } from "./topology";
