import {
  EntityType,
  JobKind,
  type SyncEntitiesParameters,
  type TargetTestParameters,
} from "@postern/contracts";
import { Argument, type Command, Option } from "commander";
import type { z } from "zod";
import type { CommandContext, Runner } from "../command-context";
import { CliError, type ExitCode, exitCodes } from "../exit-code";
import { collected, headerValue, wholeNumber } from "../option-values";
import { jobsTable, jobText } from "../render/jobs";
import { watch } from "../watch";
import { argument } from "./syncs";

interface RunOptions {
  readonly group: string;
  readonly target?: string;
  readonly sync?: string;
  readonly entity?: readonly string[];
  readonly verify?: boolean;
  readonly timeout?: number;
  readonly idempotencyKey?: string;
  readonly watch?: boolean;
}

export function addJobs(program: Command, run: Runner): void {
  const jobs = program.command("jobs").description("run one-off work in a worker group");
  jobs
    .command("run")
    .addArgument(new Argument("<kind>", "kind of job").choices(JobKind.options))
    .requiredOption("-g, --group <group>", "worker group that runs the job")
    .option("-t, --target <target>", "for target.test: target to test")
    .option("-s, --sync <sync>", "for sync.entities: id of the sync definition")
    .option(
      "-e, --entity <type:id>",
      "for sync.entities: user:ID, group:ID or membership:GROUP/MEMBER; repeatable",
      collected,
    )
    .option(
      "--verify",
      "for sync.entities: compare the rows of the target, whatever the ledger says",
    )
    .option("--timeout <seconds>", "time limit of the job", wholeNumber(1, 86_400))
    .option(
      "--idempotency-key <key>",
      "repeating a request with the same key does not start another job",
      headerValue,
    )
    .option("-w, --watch", "wait for the job to end")
    .description("start a job")
    .addHelpText("after", "\nWith --watch, the exit code is 2 if the job does not succeed.")
    .action(run(runJob));
  jobs
    .command("list")
    .option("-n, --limit <number>", "show at most this many", wholeNumber(1, 10_000), 20)
    .description("list jobs, newest first")
    .action(
      run(async (context, command) => {
        const { limit } = command.opts<{ limit: number }>();
        const list = await context.api().list("listJobs", {}, limit);
        context.show(list, (items) => jobsTable(items, context.view));
        if (list.value.length === 0) context.note("No jobs.");
        return undefined;
      }),
    );
  jobs
    .command("show")
    .argument("<job>", "id of a job")
    .description("show a job, its attempts and its result")
    .action(
      run(async (context, command) => {
        const job = await context.api().call("getJob", { params: { id: argument(command, 0) } });
        context.show(job, (value) => jobText(value, context.view));
        return undefined;
      }),
    );
  jobs
    .command("watch")
    .argument("<job>", "id of a job")
    .addOption(
      new Option("--timeout <seconds>", "give up after this time").argParser(
        wholeNumber(1, 86_400),
      ),
    )
    .description("follow a job until it ends")
    .action(
      run(async (context, command) => {
        const { timeout } = command.opts<{ timeout?: number }>();
        return watchJob(context, command.args[0] ?? "", timeout);
      }),
    );
}

async function runJob(context: CommandContext, command: Command): Promise<ExitCode | undefined> {
  const options = command.opts<RunOptions>();
  const kind = JobKind.parse(command.args[0]);
  const { group, timeout, idempotencyKey } = options;
  const job = await context.api().call("createJob", {
    body: {
      ...workOf(kind, options),
      group,
      ...(timeout === undefined ? {} : { timeoutSeconds: timeout }),
    },
    ...(idempotencyKey === undefined ? {} : { headers: { "idempotency-key": idempotencyKey } }),
  });
  if (options.watch === true) return watchJob(context, job.value.id, undefined);
  context.show(job, ({ id }) => `${id}\n`);
  context.note(`To follow it: postern jobs watch ${job.value.id}`);
  return undefined;
}

type JobWork =
  | { readonly kind: "target.test"; readonly parameters: z.input<typeof TargetTestParameters> }
  | {
      readonly kind: "sync.entities";
      readonly parameters: z.input<typeof SyncEntitiesParameters>;
    };

function workOf(kind: JobKind, options: RunOptions): JobWork {
  switch (kind) {
    case "target.test":
      return { kind, parameters: { target: needed(options.target, "--target", kind) } };
    case "sync.entities":
      return {
        kind,
        parameters: {
          definition: needed(options.sync, "--sync", kind),
          entities: needed(options.entity, "--entity", kind).map(entityOf),
          ...(options.verify === true ? { verify: true } : {}),
        },
      };
  }
}

function needed<T>(value: T | undefined, option: string, kind: JobKind): T {
  if (value !== undefined) return value;
  throw new CliError(exitCodes.refused, `a job of kind ${kind} needs ${option}`);
}

function entityOf(text: string): { type: EntityType; id: string } {
  const colon = text.indexOf(":");
  const type = EntityType.safeParse(text.slice(0, colon));
  const id = text.slice(colon + 1);
  if (colon > 0 && type.success && id !== "") return { type: type.data, id };
  throw new CliError(exitCodes.refused, `--entity: '${text}' is not TYPE:ID`, [
    `types: ${EntityType.options.join(", ")}; for example user:6e7b768e-07e2-4810-8459-485f84f8f204`,
  ]);
}

const ENDED = ["succeeded", "failed", "timed-out", "cancelled", "outcome-unknown"];

async function watchJob(
  context: CommandContext,
  id: string,
  timeoutSeconds: number | undefined,
): Promise<ExitCode> {
  const api = context.api();
  const job = await watch(context.terminal, {
    read: () => api.call("getJob", { params: { id } }),
    line: ({ value }) => `${value.id} ${value.state}`,
    ended: ({ value }) => ENDED.includes(value.state),
    timeoutSeconds,
  });
  context.show(job, (value) => jobText(value, context.view));
  return job.value.state === "succeeded" ? exitCodes.ok : exitCodes.failed;
}
