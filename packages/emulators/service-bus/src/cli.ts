import { runEmulatorProcess, type RunningEmulator } from "@postern/emulator-kit";
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { z } from "zod";
import { startServiceBusEmulator } from "./emulator";
import { parseTopology } from "./topology";

const Port = z.coerce.number().int().min(0).max(65_535);
const Flags = z.object({
  port: Port.default(0),
  "control-port": Port.default(0),
  data: z.string().min(1).optional(),
  topology: z.string({ error: "required: a JSON file with the queues" }).min(1),
  "shared-access-key": z.string().min(1).optional(),
});

function readTopology(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new Error(
      `--topology ${file}: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
}

async function start(argv: readonly string[]): Promise<RunningEmulator> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      port: { type: "string" },
      "control-port": { type: "string" },
      data: { type: "string" },
      topology: { type: "string" },
      "shared-access-key": { type: "string" },
    },
  });
  const flags = Flags.safeParse(values);
  if (!flags.success) throw new Error(`The flags are not valid:\n${z.prettifyError(flags.error)}`);
  const { port, data, topology } = flags.data;
  const key = flags.data["shared-access-key"];
  const emulator = await startServiceBusEmulator({
    topology: parseTopology(readTopology(topology)),
    port,
    controlPort: flags.data["control-port"],
    ...(data === undefined ? {} : { dataDirectory: data }),
    ...(key === undefined ? {} : { sharedAccessKey: key }),
  });
  process.stderr.write(
    "Service Bus emulator: for development and tests only, never for production.\n",
  );
  return {
    endpoints: { connectionString: emulator.connectionString },
    control: emulator.control,
    close: () => emulator.close(),
  };
}

void runEmulatorProcess(start);
