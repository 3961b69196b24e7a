export { type Agent, type AgentStats } from "./app/agent";
export { createAgent, type CreateAgentOptions } from "./app/create-agent";
export { defaultRetryLimits, type RetryLimits } from "./units/failure-policy";
export { defaultLaneLimits, type LaneLimits } from "./lanes/lane-policy";
export {
  type Clock,
  type LogFields,
  type Logger,
  type OutageCode,
  OutageError,
  type OutageService,
  type RandomSource,
  type SpanHandle,
  type Tracing,
} from "@postern/runtime";
export type { AgentPorts, TargetPort } from "./ports/agent-ports";
export type {
  Broker,
  DeadLetterReason,
  Delivery,
  JobSource,
  LaneSession,
  OutgoingMessage,
} from "./ports/broker";
export type { AttemptReply, ControlApi } from "./ports/control-api";
export type { Ledger, LedgerRecord, LedgerWrite } from "./ports/ledger";
export {
  type LoadedSettings,
  loadSettings,
  type Settings,
  type SettingsInputs,
  type ShownSetting,
  type TargetEntry,
} from "./app/settings";
export { wireAgent } from "./app/wiring";
export { version } from "./app/version";
