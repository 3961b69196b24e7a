const SPAN = /^(-)?(?:(\d+)\.)?(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,7}))?)?$/;

/** Milliseconds of a .NET TimeSpan (`hh:mm:ss`, `d.hh:mm:ss.fffffff`); undefined if it is not one. */
export function parseTimeSpan(text: string): number | undefined {
  const match = SPAN.exec(text.trim());
  if (!match) return undefined;
  const [, sign, days, hours, minutes, seconds, fraction] = match;
  const [h, m, s] = [Number(hours), Number(minutes), Number(seconds ?? 0)];
  if (h > 23 || m > 59 || s > 59) return undefined;
  const fractionMs = Number(`0.${fraction ?? "0"}`) * 1000;
  const ms = (((Number(days ?? 0) * 24 + h) * 60 + m) * 60 + s) * 1000 + fractionMs;
  return sign === undefined ? ms : -ms;
}
