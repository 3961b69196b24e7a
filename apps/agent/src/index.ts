export { Agent, type AgentStats } from "./app/agent";
export { createAgent, type CreateAgentOptions } from "./app/create-agent";
export { defaultRetryLimits, type RetryLimits } from "./units/failure-policy";
export { defaultLaneLimits, type LaneLimits } from "./lanes/lane-policy";
export { OutageError, type OutageCode, type OutageService } from "@postern/runtime";
export type {
  AgentPorts,
  AttemptReply,
  Broker,
  ControlApi,
  DeadLetterReason,
  Delivery,
  JobSource,
  LaneSession,
  Ledger,
  LedgerRecord,
  LedgerWrite,
  OutgoingMessage,
  TargetPort,
} from "./ports/agent-ports";
export type { Clock, Logger, LogFields, RandomSource, SpanHandle, Tracing } from "@postern/runtime";
export {
  type LoadedSettings,
  loadSettings,
  type Settings,
  type SettingsInputs,
  type ShownSetting,
  type TargetEntry,
} from "./app/settings";
export { version } from "./app/version";
