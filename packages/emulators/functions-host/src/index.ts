export { FunctionsHostError, type HostErrorCode } from "./errors";
export {
  startFunctionsHost,
  type FunctionsHost,
  type FunctionsHostOptions,
} from "./functions-host";
export type { KeysInput } from "./http/keys";
export type { LogEntry, LogFormat, LogLevel, LogSink } from "./log";
export { stderrLog } from "./stderr-log";
