import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { temporaryDirectory } from "./emulated-tenant";

let bundle: Promise<string> | undefined;

/** The command line as it is shipped: one bundled file. */
export function bundledCommand(): Promise<string> {
  bundle ??= (async () => {
    const outfile = path.join(temporaryDirectory(), "cli.js");
    const options = {
      entryPoints: ["src/cli.ts"],
      outfile,
      bundle: true,
      platform: "node",
      format: "cjs",
    };
    const script = `require("esbuild").buildSync(${JSON.stringify(options)})`;
    await promisify(execFile)(process.execPath, ["-e", script], {
      cwd: path.join(__dirname, ".."),
    });
    return outfile;
  })();
  return bundle;
}
