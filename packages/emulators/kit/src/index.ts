export {
  TokenRefusedError,
  tokenVerifier,
  type TokenProblem,
  type TokenVerifier,
} from "./server/access-tokens";
export { localCertificates, type LocalCertificates } from "./server/certificates";
export {
  choiceOption,
  commonOptions,
  defaulted,
  httpsOptions,
  numberOption,
  patternOption,
  required,
  textOption,
} from "./command/command-options";
export {
  startControlServer,
  type ControlServer,
  type ControlServerOptions,
} from "./server/control-server";
export { Counters } from "./server/counters";
export {
  runEmulatorCommand,
  type ReadyLine,
  type RunningEmulator,
} from "./command/emulator-command";
export type { Emulator, EmulatorOptions, HttpsEmulatorOptions } from "./server/emulator";
export { Fault, FaultKind, FaultPlan, type FaultInput } from "./server/faults";
export {
  startHttpsService,
  type HttpsReply,
  type HttpsRequest,
  type HttpsService,
  type HttpsServiceOptions,
  type Refusal,
} from "./server/https-service";
export { parseExactJson } from "./command/exact-json";
export { checkTopology, JsonFileError, readJsonFile, readTopologyFile } from "./command/json-file";
export { closeServer, listenOnLoopback } from "./server/loopback-server";
export { sameSecret } from "./server/same-secret";
export { dataUnusable, StartError, type StartErrorCode } from "./command/start-error";
