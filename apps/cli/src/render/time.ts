const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** `3 min ago`, `in 20 s`, `just now`. */
export function relative(timestamp: string | null | undefined, now: number): string {
  const at = Date.parse(timestamp ?? "");
  if (Number.isNaN(at)) return "–";
  const away = now - at;
  if (Math.abs(away) < 2 * SECOND) return "just now";
  const text = coarse(Math.abs(away));
  return away > 0 ? `${text} ago` : `in ${text}`;
}

function coarse(ms: number): string {
  // The thresholds are where rounding would give 60 of a unit.
  if (ms < 59.5 * SECOND) return `${Math.round(ms / SECOND)} s`;
  if (ms < 59.5 * MINUTE) return `${Math.round(ms / MINUTE)} min`;
  if (ms < 2 * DAY) return `${Math.round(ms / HOUR)} h`;
  return `${Math.round(ms / DAY)} d`;
}

/** `850 ms`, `12.3 s`, `4 min 5 s`. */
export function duration(ms: number): string {
  if (Math.round(ms) < SECOND) return `${Math.round(ms)} ms`;
  // The thresholds are where rounding would give 60 of a unit.
  if (ms < 59.95 * SECOND) return `${(ms / SECOND).toFixed(1)} s`;
  const seconds = Math.round(ms / SECOND);
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export function count(value: number): string {
  return value.toLocaleString("en");
}
