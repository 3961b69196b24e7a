import { parseArgs } from "node:util";
import { localCertificates, portFlag, runEmulatorProcess } from "@postern/emulator-kit";
import { readClientRegistry } from "./topology";
import { startEntraEmulator } from "./emulator";

const usage =
  "usage: entra-emulator --clients FILE --certificates DIR [--port N] [--control-port N] [--public-port N] [--data DIR] [--exit-with-stdin]";

void runEmulatorProcess(async (argv) => {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      port: { type: "string", default: "0" },
      "control-port": { type: "string", default: "0" },
      "public-port": { type: "string" },
      data: { type: "string" },
      certificates: { type: "string" },
      clients: { type: "string" },
    },
  });
  if (values.clients === undefined || values.certificates === undefined)
    throw new RangeError(usage);
  const registry = readClientRegistry(values.clients);
  const emulator = await startEntraEmulator({
    port: portFlag("port", values.port),
    controlPort: portFlag("control-port", values["control-port"]),
    ...(values["public-port"] === undefined
      ? {}
      : { publicPort: portFlag("public-port", values["public-port"]) }),
    ...(values.data === undefined ? {} : { dataDirectory: values.data }),
    certificates: await localCertificates(values.certificates),
    ...registry,
  });
  process.stderr.write(
    "Microsoft Entra token issuer emulator, for development and tests only: anyone with the registered secret gets a token.\n",
  );
  return {
    endpoints: { authority: emulator.authority, issuer: emulator.issuer },
    control: emulator.control,
    close: () => emulator.close(),
  };
});
