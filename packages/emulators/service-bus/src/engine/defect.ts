/** Reports a bug of the emulator as a warning on stderr. It costs a connection, not the process. */
export function reportDefect(error: unknown): void {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.emitWarning(text, { type: "ServiceBusEmulatorDefect" });
}
