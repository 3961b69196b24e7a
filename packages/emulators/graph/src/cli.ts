import { parseArgs } from "node:util";
import { localCertificates, portFlag, runEmulatorProcess } from "@postern/emulator-kit";
import { startGraphEmulator } from "./emulator";
import { readTenant } from "./topology";

const usage = [
  "usage: graph-emulator --issuer URL --certificates DIR [--audience URI] [--tenant FILE] [--port N] [--control-port N]",
  "  [--public-port N] [--data DIR] [--replay CHANCE] [--replication-lag-ms N] [--max-token-age-ms N] [--exit-with-stdin]",
].join("\n");

const YEAR_MS = 365 * 24 * 60 * 60 * 1000;

function amount(name: string, value: string, max: number): number {
  const parsed = Number(value);
  if (value.trim() === "" || !(parsed >= 0 && parsed <= max)) {
    throw new RangeError(`--${name} ${value}: a number from 0 to ${max} is needed`);
  }
  return parsed;
}

void runEmulatorProcess(async (argv) => {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      port: { type: "string", default: "0" },
      "control-port": { type: "string", default: "0" },
      "public-port": { type: "string" },
      data: { type: "string" },
      certificates: { type: "string" },
      issuer: { type: "string" },
      audience: { type: "string" },
      tenant: { type: "string" },
      replay: { type: "string" },
      "replication-lag-ms": { type: "string" },
      "max-token-age-ms": { type: "string" },
    },
  });
  if (values.issuer === undefined || values.certificates === undefined) throw new RangeError(usage);
  const { "public-port": publicPort, "replication-lag-ms": lag, "max-token-age-ms": age } = values;
  const seed = values.tenant === undefined ? undefined : readTenant(values.tenant);
  const emulator = await startGraphEmulator({
    port: portFlag("port", values.port),
    controlPort: portFlag("control-port", values["control-port"]),
    certificates: await localCertificates(values.certificates),
    issuer: values.issuer,
    ...(publicPort === undefined ? {} : { publicPort: portFlag("public-port", publicPort) }),
    ...(values.data === undefined ? {} : { dataDirectory: values.data }),
    ...(values.audience === undefined ? {} : { audience: values.audience }),
    ...(seed === undefined ? {} : { seed }),
    ...(values.replay === undefined ? {} : { replay: amount("replay", values.replay, 1) }),
    ...(lag === undefined ? {} : { replicationLagMs: amount("replication-lag-ms", lag, YEAR_MS) }),
    ...(age === undefined ? {} : { maxTokenAgeMs: amount("max-token-age-ms", age, YEAR_MS) }),
  });
  process.stderr.write("Microsoft Graph emulator, for development and tests only.\n");
  return {
    endpoints: { graph: emulator.graph },
    control: emulator.control,
    close: () => emulator.close(),
  };
});
