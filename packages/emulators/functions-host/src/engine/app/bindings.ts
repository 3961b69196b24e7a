/** Reads the options of the bindings that are emulated; everything in them comes from the app's code. */
import { z } from "zod";
import type { RegisteredFunction } from "./core-module";
import type { FunctionMetadata, RpcBinding } from "./rpc";
import { FunctionsHostError } from "../diagnostics/errors";

const Name = z.string().min(1).max(260);
/** Values are read case-insensitively, as the host does. */
function lowered<const T extends readonly [string, ...string[]]>(values: T) {
  return z
    .string()
    .transform((text) => text.toLowerCase())
    .pipe(z.enum(values));
}

export const HttpTriggerBinding = z.looseObject({
  route: z.string().max(1000).optional(),
  methods: z
    .array(
      z
        .string()
        .max(20)
        .transform((method) => method.toUpperCase()),
    )
    .default(["GET", "POST"]),
  authLevel: lowered(["anonymous", "function", "admin"]).default("anonymous"),
});

export const TimerTriggerBinding = z.looseObject({
  schedule: z.string().min(1).max(200),
  runOnStartup: z.boolean().default(false),
  useMonitor: z.boolean().optional(),
});
export type TimerTriggerBinding = z.infer<typeof TimerTriggerBinding>;

export const ServiceBusTriggerBinding = z.looseObject({
  connection: Name.default("AzureWebJobsServiceBus"),
  queueName: Name,
  isSessionsEnabled: z.boolean().default(false),
  autoCompleteMessages: z.boolean().optional(),
  cardinality: lowered(["one", "many"]).default("one"),
  dataType: lowered(["binary", "string", "stream", "undefined"]).optional(),
});
export type ServiceBusTriggerBinding = z.infer<typeof ServiceBusTriggerBinding>;

export const ServiceBusOutputBinding = z
  .looseObject({
    connection: Name.default("AzureWebJobsServiceBus"),
    queueName: Name.optional(),
    topicName: Name.optional(),
  })
  .refine((binding) => binding.queueName !== undefined || binding.topicName !== undefined, {
    message: "needs a queueName or a topicName",
  });
export type ServiceBusOutputBinding = z.infer<typeof ServiceBusOutputBinding>;

type TriggerKind = "http" | "timer" | "serviceBus" | "unsupported";

export interface Trigger {
  readonly kind: TriggerKind;
  readonly name: string;
  readonly type: string;
  readonly binding: RpcBinding;
}

/** @throws FunctionsHostError `binding-invalid` if the function has no trigger */
export function triggerOf(metadata: FunctionMetadata): Trigger {
  for (const [name, binding] of Object.entries(metadata.bindings)) {
    const type = binding.type ?? "";
    if (/trigger$/i.test(type)) return { kind: kindOf(type), name, type, binding };
  }
  throw new FunctionsHostError("binding-invalid", `Function "${metadata.name}" has no trigger.`);
}

function kindOf(type: string): TriggerKind {
  switch (type.toLowerCase()) {
    case "httptrigger":
      return "http";
    case "timertrigger":
      return "timer";
    case "servicebustrigger":
      return "serviceBus";
    default:
      return "unsupported";
  }
}

/** @throws FunctionsHostError `binding-invalid`, naming the function and every wrong field */
export function parseBinding<T>(
  schema: z.ZodType<T>,
  fn: RegisteredFunction,
  bindingName: string,
): T {
  const parsed = schema.safeParse(fn.metadata.bindings[bindingName]);
  if (parsed.success) return parsed.data;
  throw new FunctionsHostError(
    "binding-invalid",
    `Function "${fn.metadata.name}", binding "${bindingName}":\n${z.prettifyError(parsed.error)}`,
  );
}
