import { describe, expect, test } from "@jest/globals";
import { existsSync, writeFileSync } from "node:fs";
import path from "node:path";
import { freshDirectory, run } from "../scenes/platform-run";

/** What is refused before anything starts: exit code 1, a line that names the place, and no data directory made. */
interface Refused {
  readonly title: string;
  readonly args: (directory: string) => readonly string[];
  readonly files?: Readonly<Record<string, string>>;
  readonly says: RegExp;
}

const definition = (change: (text: string) => string): string =>
  change(`id: directory
group: default
target: local
users:
  object: people
  key: { id: id }
  columns: { upn: userPrincipalName }
`);

const refused: readonly Refused[] = [
  {
    title: "an unknown option, with the nearest known one",
    args: () => ["--onec"],
    says: /--onec.*Did you mean --once/s,
  },
  {
    title: "people that are not a number",
    args: () => ["--people", "many"],
    says: /--people: 'many' is not a whole number/,
  },
  { title: "no people", args: () => ["--people", "0"], says: /--people: '0'/ },
  {
    title: "people with a tenant file",
    args: () => ["--people", "5", "--tenant", "t.json"],
    says: /--people: .* cannot go with --tenant/,
  },
  {
    title: "a target of an unknown kind",
    args: () => ["--target", "oracle://x"],
    says: /--target: 'oracle:\/\/x' is neither/,
  },
  {
    title: "a target without a path",
    args: () => ["--target", "sqlite:"],
    says: /--target: sqlite: needs a path/,
  },
  {
    title: "a tenant file that is not there",
    args: () => ["--tenant", "absent.json"],
    says: /absent\.json/,
  },
  {
    title: "a tenant file that is not JSON",
    args: () => ["--tenant", "t.json"],
    files: { "t.json": '{"users": [\n{"id": ]}' },
    says: /t\.json.*(line 2|position)/s,
  },
  {
    title: "a tenant whose users are no list",
    args: () => ["--tenant", "t.json"],
    files: { "t.json": '{"users": {}, "groups": []}' },
    says: /users/,
  },
  {
    title: "a user without an id",
    args: () => ["--tenant", "t.json"],
    files: {
      "t.json": '{"users": [{"displayName": "x", "userPrincipalName": "x@y"}], "groups": []}',
    },
    says: /users\[0\]|users\.0/,
  },
  {
    title: "two users with one id",
    args: () => ["--tenant", "t.json"],
    files: {
      "t.json":
        '{"users": [{"id": "11111111-1111-1111-1111-111111111111", "userPrincipalName": "a@y"}, {"id": "11111111-1111-1111-1111-111111111111", "userPrincipalName": "b@y"}], "groups": []}',
    },
    says: /users(\[1\]|\.1).*same id .* is at users\[0\]\.id/is,
  },
  {
    title: "a manager that is no reference",
    args: () => ["--tenant", "t.json"],
    files: {
      "t.json":
        '{"users": [{"id": "11111111-1111-1111-1111-111111111111", "userPrincipalName": "a@y", "manager": "me"}], "groups": []}',
    },
    says: /manager/,
  },
  {
    title: "a definition that is not YAML",
    args: () => ["--definition", "d.yaml"],
    files: { "d.yaml": "id: [" },
    says: /d\.yaml.*line/s,
  },
  {
    title: "a definition with an unknown key, with the nearest known one",
    args: () => ["--definition", "d.yaml"],
    files: { "d.yaml": definition((text) => text.replace("columns:", "colums:")) },
    says: /\$\.users\.colums: unknown key \(did you mean 'columns'/,
  },
  {
    title: "a definition without a target",
    args: () => ["--definition", "d.yaml"],
    files: { "d.yaml": definition((text) => text.replace("target: local\n", "")) },
    says: /\$\.target/,
  },
  {
    title: "a definition with a bad id",
    args: () => ["--definition", "d.yaml"],
    files: { "d.yaml": definition((text) => text.replace("id: directory", "id: Not_Good")) },
    says: /\$\.id: must be lower-case/,
  },
  {
    title: "a definition that maps nothing",
    args: () => ["--definition", "d.yaml"],
    files: { "d.yaml": "id: a\ngroup: default\ntarget: local\n" },
    says: /at least one of users, groups, memberships/,
  },
  {
    title: "a definition without a key column",
    args: () => ["--definition", "d.yaml"],
    files: { "d.yaml": definition((text) => text.replace("{ id: id }", "{}")) },
    says: /\$\.users\.key: at least one key column/,
  },
  {
    title: "a definition with a column that is no identifier",
    args: () => ["--definition", "d.yaml"],
    files: { "d.yaml": definition((text) => text.replace("upn:", '"upn; drop":')) },
    says: /\$\.users\.columns/,
  },
  {
    title: "a percentage above a hundred",
    args: () => ["--definition", "d.yaml"],
    files: { "d.yaml": definition((text) => `${text}deletes: { percent: 101 }\n`) },
    says: /\$\.deletes\.percent/,
  },
];

describe("npm start refuses before anything starts", () => {
  test.each(refused)("$title", async ({ args, files, says }) => {
    const directory = freshDirectory();
    for (const [name, content] of Object.entries(files ?? {}))
      writeFileSync(path.join(directory, name), content);
    const outcome = await run([...args(directory), "--once", "--data", "data"], { cwd: directory });
    expect(outcome.stderr).toMatch(says);
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).not.toContain("    at ");
    expect(existsSync(path.join(directory, "data"))).toBe(false);
  });
});
