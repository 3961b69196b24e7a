export {
  startGraphEmulator,
  type GraphEmulator,
  type GraphEmulatorOptions,
} from "./graph-emulator";
export { parseTenant, readTenant, Tenant, TenantError, type TenantInput } from "./tenant-file";
