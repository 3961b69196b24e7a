import {
  commonOptions,
  httpsOptions,
  localCertificates,
  readTopologyFile,
  required,
  runEmulatorCommand,
  textOption,
} from "@postern/emulator-kit";
import { startKeyVaultEmulator } from "./emulator";
import { Topology } from "./topology";

const options = {
  issuer: required(textOption("URL", "issuer whose access tokens are accepted")),
  ...httpsOptions,
  ...commonOptions,
  audience: textOption("URI", "accepted audience (default https://vault.azure.net)"),
  topology: textOption("FILE", "JSON file of rights, and of secrets to make unless they exist"),
};

void runEmulatorCommand({
  name: "postern-key-vault-emulator",
  summary: "Azure Key Vault emulator (secrets), for development and tests only.",
  notice: "Azure Key Vault emulator, for development and tests only: secrets are not encrypted.",
  options,
  start: async (values) => {
    const emulator = await startKeyVaultEmulator({
      topology:
        values.topology === undefined ? undefined : readTopologyFile(values.topology, Topology),
      port: values.port,
      controlPort: values["control-port"],
      publicPort: values["public-port"],
      dataDirectory: values.data,
      certificates: await localCertificates(values.certificates),
      issuer: values.issuer,
      audience: values.audience,
    });
    return {
      endpoints: { keyVault: emulator.url },
      control: emulator.control,
      close: () => emulator.close(),
    };
  },
});
