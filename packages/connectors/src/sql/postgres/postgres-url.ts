export const POSTGRES_URL_FORM = "postgres://user:password@host:port/database";

/** What is wrong with a url; undefined when it names a PostgreSQL database. */
export function postgresUrlProblem(url: string): string | undefined {
  const isUrl = /^postgres(ql)?:\/\//.test(url) && URL.canParse(url);
  return isUrl ? undefined : `must be ${POSTGRES_URL_FORM}`;
}
