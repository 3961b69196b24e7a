import { type Heartbeat, nextState } from "@postern/contracts";
import { lifecycleModel, type LifecycleState } from "./drain-policy";

export type LifecycleEvent = (typeof lifecycleModel)["transitions"][number]["on"];

/** The state of an agent. `step` is the only place where it changes. */
export class Lifecycle {
  #state: LifecycleState = lifecycleModel.initial;

  get state(): LifecycleState {
    return this.#state;
  }

  /** Ignores an event that the current state has no transition for. */
  step(event: LifecycleEvent): void {
    this.#state = nextState(lifecycleModel, this.#state, event) ?? this.#state;
  }
}

/** The state that a heartbeat reports. */
export const heartbeatStates: Readonly<Record<LifecycleState, Heartbeat["state"]>> = {
  starting: "running",
  running: "running",
  draining: "draining",
  stopped: "stopping",
};
