export {
  ClientRegistry,
  ClientRegistryError,
  readClientRegistry,
  RegisteredClient,
  RegisteredUser,
  type ClientRegistryInput,
} from "./client-registry";
export {
  startEntraEmulator,
  type EntraEmulator,
  type EntraEmulatorOptions,
} from "./entra-emulator";
export type { TokenRequest } from "./token-issuer";
