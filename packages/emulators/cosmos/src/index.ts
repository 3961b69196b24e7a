export { startCosmosEmulator, type CosmosEmulator, type CosmosEmulatorOptions } from "./emulator";
export { StartError, type StartErrorCode } from "./start-error";
export { Topology, parseTopology, type TopologyInput } from "./topology";
