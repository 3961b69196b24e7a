export interface ScenarioResult {
  /** Under faults. */
  readonly seconds: number;
  readonly violations: readonly string[];
  readonly measured: Readonly<Record<string, unknown>>;
}
