export { localCertificates, type LocalCertificates } from "./certificates";
export {
  startControlServer,
  type ControlServer,
  type ControlServerOptions,
} from "./control-server";
export { runEmulatorProcess, type ReadyLine, type RunningEmulator } from "./emulator-process";
export { Fault, FaultKind, FaultPlan, type FaultInput } from "./faults";
export {
  startHttpsService,
  type HttpsReply,
  type HttpsRequest,
  type HttpsService,
  type HttpsServiceOptions,
  type Refusal,
} from "./https-service";
export { portFlag } from "./port-flag";
