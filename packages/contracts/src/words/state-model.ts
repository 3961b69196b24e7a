/**
 * State models as data: a table of transitions, and one pure function that applies one. Diagrams in the documentation
 * are made from the same tables.
 */
export interface Transition<State extends string, Event extends string> {
  readonly from: State;
  readonly on: Event;
  readonly to: State;
}

export interface StateModel<State extends string, Event extends string> {
  readonly name: string;
  readonly initial: State;
  readonly states: readonly State[];
  readonly transitions: readonly Transition<State, Event>[];
}

/**
 * Declares a model. Throws at load if a transition repeats another's `from` and `on`: a model must be deterministic.
 */
export function defineStateModel<const State extends string, const Event extends string>(
  model: StateModel<State, Event>,
): StateModel<State, Event> {
  const seen = new Set<string>();
  for (const { from, on } of model.transitions) {
    const key = `${from} ${on}`;
    if (seen.has(key))
      throw new RangeError(`${model.name}: two transitions from '${from}' on '${on}'`);
    seen.add(key);
  }
  return model;
}

/** The state after `event`, or undefined if the model does not allow it there. */
export function nextState<State extends string, Event extends string>(
  model: StateModel<State, Event>,
  from: NoInfer<State>,
  event: NoInfer<Event>,
): State | undefined {
  return model.transitions.find((transition) => transition.from === from && transition.on === event)
    ?.to;
}

/** Mermaid text of a model, for the documentation. */
export function stateDiagram(model: StateModel<string, string>): string {
  const arrows = model.transitions.map(
    ({ from, on, to }) => `  ${mermaidId(from)} --> ${mermaidId(to)}: ${on}`,
  );
  return ["stateDiagram-v2", `  [*] --> ${mermaidId(model.initial)}`, ...arrows].join("\n");
}

function mermaidId(state: string): string {
  return state.replace(/-/g, "_");
}
