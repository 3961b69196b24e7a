export {
  ClientRegistry,
  ClientRegistryError,
  readClientRegistry,
  RegisteredClient,
  RegisteredUser,
  type ClientRegistryInput,
} from "./topology";
export { startEntraEmulator, type EntraEmulator, type EntraEmulatorOptions } from "./emulator";
export type { TokenRequest } from "./engine/token-issuer";
