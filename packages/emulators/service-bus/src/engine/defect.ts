/** Something that should not happen did. It costs a connection, not the process, and shows as a warning on stderr. */
export function reportDefect(error: unknown): void {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.emitWarning(text, { type: "ServiceBusEmulatorDefect" });
}
