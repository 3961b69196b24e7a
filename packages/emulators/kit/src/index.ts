export { localCertificates, type LocalCertificates } from "./certificates";
export {
  choiceOption,
  commonOptions,
  defaulted,
  httpsOptions,
  numberOption,
  patternOption,
  required,
  textOption,
} from "./command-options";
export {
  startControlServer,
  type ControlServer,
  type ControlServerOptions,
} from "./control-server";
export { runEmulatorCommand, type ReadyLine, type RunningEmulator } from "./emulator-command";
export { Fault, FaultKind, FaultPlan, type FaultInput } from "./faults";
export {
  startHttpsService,
  type HttpsReply,
  type HttpsRequest,
  type HttpsService,
  type HttpsServiceOptions,
  type Refusal,
} from "./https-service";
export { checkTopology, JsonFileError, readJsonFile, readTopologyFile } from "./json-file";
export { StartError, type StartErrorCode } from "./start-error";
