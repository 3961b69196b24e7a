export {
  ClientRegistry,
  ClientRegistryError,
  readClientRegistry,
  RegisteredClient,
  type ClientRegistryInput,
} from "./client-registry";
export {
  startEntraEmulator,
  type EntraEmulator,
  type EntraEmulatorOptions,
} from "./entra-emulator";
export type { TokenRequest } from "./token-issuer";
