import {
  commonOptions,
  httpsOptions,
  localCertificates,
  required,
  runEmulatorCommand,
  textOption,
} from "@postern/emulator-kit";
import { startEntraEmulator } from "./emulator";
import { readClientRegistry } from "./topology";

const options = {
  clients: required(textOption("FILE", "JSON file of the tenant, its applications and its users")),
  ...httpsOptions,
  ...commonOptions,
};

void runEmulatorCommand({
  name: "postern-entra-emulator",
  summary: "Microsoft Entra ID token issuer emulator, for development and tests only.",
  notice:
    "Microsoft Entra ID emulator, for development and tests only: anyone with a registered secret gets a token.",
  options,
  start: async (values) => {
    const registry = readClientRegistry(values.clients);
    const emulator = await startEntraEmulator({
      ...registry,
      port: values.port,
      controlPort: values["control-port"],
      publicPort: values["public-port"],
      dataDirectory: values.data,
      certificates: await localCertificates(values.certificates),
    });
    return {
      endpoints: { authority: emulator.authority, issuer: emulator.issuer },
      control: emulator.control,
      close: () => emulator.close(),
    };
  },
});
