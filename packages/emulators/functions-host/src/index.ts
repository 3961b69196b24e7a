export { FunctionsHostError, type HostErrorCode } from "./engine/diagnostics/errors";
export { startFunctionsHost, type FunctionsHost, type FunctionsHostOptions } from "./emulator";
export type { KeysInput } from "./engine/app/function-keys";
export type { LogEntry, LogFormat, LogLevel, LogSink } from "./engine/diagnostics/log";
export { stderrLog } from "./engine/diagnostics/stderr-log";
