export { Agent, type AgentStats } from "./app/agent";
export { createAgent, type CreateAgentOptions } from "./app/create-agent";
export { defaultRetryLimits, type RetryLimits } from "./units/failure-policy";
export { defaultLaneLimits, type LaneLimits } from "./lanes/lane-policy";
export { OutageError, type OutageCode, type OutageService } from "./domain/port-errors";
export type {
  AgentPorts,
  AttemptReply,
  Broker,
  Clock,
  ControlApi,
  DeadLetterReason,
  Delivery,
  JobSource,
  LaneSession,
  Ledger,
  LedgerRecord,
  LedgerWrite,
  Log,
  LogFields,
  OutgoingMessage,
  RandomSource,
  SpanHandle,
  TargetPort,
  Tracing,
} from "./ports/agent-ports";
export {
  type LoadedSettings,
  loadSettings,
  type Settings,
  type SettingsInputs,
  type ShownSetting,
  type TargetEntry,
} from "./app/settings";
export { version } from "./app/version";
