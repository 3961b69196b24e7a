export { startGraphEmulator, type GraphEmulator, type GraphEmulatorOptions } from "./emulator";
export { parseTenant, readTenant, Tenant, TenantError, type TenantInput } from "./topology";
