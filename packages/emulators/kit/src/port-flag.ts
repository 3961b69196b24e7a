const HIGHEST_PORT = 65_535;

/**
 * The port that a command line's flag names.
 *
 * @throws RangeError that names the flag, the value and what is expected
 */
export function portFlag(name: string, value: string): number {
  const port = Number(value);
  if (!Number.isInteger(port) || port < 0 || port > HIGHEST_PORT) {
    throw new RangeError(
      `--${name} ${value}: a port is a whole number from 0 to ${HIGHEST_PORT} (0: any free one)`,
    );
  }
  return port;
}
