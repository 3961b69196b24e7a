/** Builds the loops of an agent from its settings and ports. Nothing runs yet: see `Agent`. */
import { resultsQueueName, workQueueName } from "@postern/contracts";
import { HeartbeatLoop } from "../control/heartbeat-loop";
import { heartbeatSnapshot } from "../control/heartbeat-snapshot";
import { JobAttempts } from "../jobs/attempt";
import { JobsLoop } from "../jobs/jobs-loop";
import { jobKindRegistry } from "../jobs/kinds/registry";
import { type WorkTypes, workTypes } from "../lanes/work-reader";
import type { AgentPorts } from "../ports/agent-ports";
import { Reporter } from "../reports/reporter";
import { ApplyGate } from "../suspects/apply-gate";
import { CrashWatch } from "../suspects/crash-watch";
import { TargetLoop } from "../targets/target-loop";
import { Agent, type AgentParts } from "./agent";
import { heartbeatStates, Lifecycle } from "./lifecycle";
import type { Settings } from "./settings";
import { version } from "./version";

/**
 * @param onClose closes what was created with the ports; called after the targets are closed, in parallel with the
 * broker
 */
export function wireAgent(
  settings: Settings,
  ports: AgentPorts,
  onClose: () => Promise<void>,
  types: WorkTypes = workTypes,
): Agent {
  const { clock, random, broker, api, log, trials } = ports;
  const { agentId: agent, tenant, branch, group } = settings;
  const source = { tenant, branch, group, agent };
  const lifecycle = new Lifecycle();
  const crashWatch = trials === undefined ? undefined : new CrashWatch(trials, agent, clock);
  const reporter = new Reporter({
    clock,
    broker,
    tracing: ports.tracing,
    queue: resultsQueueName(group),
    source,
  });
  const targets = targetLoops(settings, ports, { source, types, reporter, crashWatch });
  const registry = jobKindRegistry({ targets: ports.targets });
  const attempts = new JobAttempts({ clock, random, broker, log, source, registry });
  const startedAtMs = clock.wallMs();
  const heartbeat = new HeartbeatLoop({
    clock,
    api,
    log,
    agent,
    intervalMs: settings.heartbeat.intervalMs,
    snapshot: () =>
      heartbeatSnapshot({
        group,
        branch,
        version,
        startedAtMs,
        workTypes: types.keys(),
        state: heartbeatStates[lifecycle.state],
        targets: targets.map((loop) => loop.health()),
        itemsFinished: sum(targets.map(({ itemsFinished }) => itemsFinished)),
        lanesHeld: sum(targets.map(({ lanesHeld }) => lanesHeld)),
        jobs: attempts.running(),
      }),
    cancel: (job) => attempts.cancel(job),
  });
  const jobs = new JobsLoop({
    clock,
    random,
    broker,
    api,
    log,
    agent,
    source,
    kinds: registry.kinds,
    attempts,
    isRegistered: () => heartbeat.isAnswered,
    inFlight: settings.concurrency.jobsInFlight,
  });
  const parts: AgentParts = { lifecycle, targets, jobs, attempts, heartbeat, reporter, crashWatch };
  return new Agent(settings, ports, parts, onClose);
}

interface Shared {
  readonly source: ConstructorParameters<typeof Reporter>[0]["source"];
  readonly types: WorkTypes;
  readonly reporter: Reporter;
  readonly crashWatch: CrashWatch | undefined;
}

function targetLoops(
  settings: Settings,
  { clock, random, broker, ledger, log, tracing, targets }: AgentPorts,
  { source, types, reporter, crashWatch }: Shared,
): readonly TargetLoop[] {
  const { tenant, branch, group } = settings;
  const gate = new ApplyGate(clock);
  return [...targets].map(
    ([name, target]) =>
      new TargetLoop(name, {
        clock,
        random,
        broker,
        target,
        log: log.child({ target: name }),
        queue: workQueueName(group, name),
        slots: settings.concurrency.lanesPerTarget,
        probeTimeoutMs: settings.probe.timeoutMs,
        probeIdleMs: settings.probe.idleMs,
        lane: {
          limits: settings.lanes,
          address: { tenant, branch, group, target: name },
          source,
          types,
          unit: {
            clock,
            random,
            ledger,
            target,
            retry: settings.retry,
            gate,
            suspects: crashWatch,
          },
          reporter,
          tracing,
        },
      }),
  );
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);
