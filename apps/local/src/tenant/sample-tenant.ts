import type { Faker } from "@faker-js/faker";

/**
 * A company that looks like one, from a seed: a hierarchy of managers, departments, guests, disabled accounts, nested
 * groups, names with accents and apostrophes, people without mail. The same seed and size give the same tenant.
 */
export interface SampleTenant {
  readonly users: readonly SampleUser[];
  readonly groups: readonly SampleGroup[];
}

interface SampleUser {
  readonly id: string;
  readonly userPrincipalName: string;
  readonly displayName: string;
  readonly givenName: string | null;
  readonly surname: string | null;
  readonly mail: string | null;
  readonly department: string | null;
  readonly jobTitle: string | null;
  readonly officeLocation: string | null;
  readonly accountEnabled: boolean;
  readonly userType: "Member" | "Guest";
  readonly manager?: { readonly id: string };
}

interface SampleGroup {
  readonly id: string;
  readonly displayName: string;
  readonly description: string | null;
  readonly mail: string | null;
  readonly mailEnabled: boolean;
  readonly mailNickname: string;
  readonly securityEnabled: boolean;
  readonly groupTypes: readonly string[];
  readonly members: readonly { readonly id: string }[];
}

const DOMAIN = "alderwick.example";
/** One in this many users is a guest, a disabled account, an account without a mail address, a shared mailbox. */
const oneIn = { guest: 18, disabled: 25, noMail: 14, room: 40 } as const;
/** Direct reports of one manager. */
const SPAN_OF_CONTROL = 8;
const PEOPLE_PER_GROUP = 12.5;

const departments = [
  ["Engineering", 30],
  ["Operations", 18],
  ["Sales", 16],
  ["Customer Care", 12],
  ["Finance", 8],
  ["Research & Development", 6],
  ["People", 5],
  ["Marketing", 5],
] as const;
const offices = ["Zürich", "Kraków", "Cork", "Lyon", "São Paulo", "Malmö", null];
/** Names that break naive code, each given to someone in every tenant large enough. */
const hardNames: readonly (readonly [string, string])[] = [
  ["Siobhán", "O'Brien"],
  ["Zoë", "D'Angelo"],
  ["José María", "Núñez de la Peña"],
  ["Łukasz", "Żółć"],
  ["Anne-Sophie", "van 't Hoff"],
  ["Þóra", "Guðmundsdóttir"],
  ["Nguyễn", "Thị Ánh"],
  ["李", "小龍"],
];

async function fakerOf(seed: number): Promise<Faker> {
  // Loaded only here: word lists of five languages, which a second run on the same data does not need.
  const { Faker, de, en, es, fr, pl, base } = await import("@faker-js/faker");
  const faker = new Faker({ locale: [en, de, es, fr, pl, base] });
  faker.seed(seed);
  return faker;
}

function asciiName(text: string): string {
  const plain = text
    .normalize("NFKD")
    .replace(/[\u0300-\u036f]/g, "")
    .replace(/ł/gi, "l")
    .replace(/þ/gi, "th")
    .replace(/ð/g, "d");
  return plain
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, ".")
    .replace(/^\.+|\.+$/g, "");
}

/** GUIDs from the seed, so that a tenant of the same seed has the same ids. */
function guid(faker: Faker): string {
  return faker.string.uuid();
}

function departmentOf(faker: Faker): string {
  return faker.helpers.weightedArrayElement(
    departments.map(([value, weight]) => ({ value, weight })),
  );
}

/** Generates a tenant of `people` users and about `people / 12.5` groups (40 for 500). */
export async function sampleTenant(people: number, seed = 1): Promise<SampleTenant> {
  const faker = await fakerOf(seed);
  const takenNames = new Set<string>();
  const users: SampleUser[] = [];
  for (let index = 0; index < people; index += 1) {
    const manager = index === 0 ? undefined : users[Math.floor((index - 1) / SPAN_OF_CONTROL)];
    users.push(sampleUser(faker, index, manager, takenNames));
  }
  return { users, groups: sampleGroups(faker, users) };
}

function sampleUser(
  faker: Faker,
  index: number,
  manager: SampleUser | undefined,
  taken: Set<string>,
): SampleUser {
  const guest = index > 0 && index % oneIn.guest === 7;
  const room = index > 0 && index % oneIn.room === 33;
  const hard = index % 31 === 5 ? hardNames[Math.floor(index / 31) % hardNames.length] : undefined;
  const givenName = room ? null : (hard?.[0] ?? faker.person.firstName());
  const surname = room ? null : (hard?.[1] ?? faker.person.lastName());
  const displayName = room
    ? `Room ${faker.location.city()} ${index}`
    : `${givenName ?? ""} ${surname ?? ""}`;
  const local = uniqueName(asciiName(displayName) || `user${index}`, taken);
  const hasMail = index % oneIn.noMail !== 9;
  const department = room || guest ? null : sampleDepartment(faker, index, manager);
  return {
    id: guid(faker),
    userPrincipalName: guest ? `${local}_partner.example#EXT#@${DOMAIN}` : `${local}@${DOMAIN}`,
    displayName,
    givenName,
    surname,
    mail: hasMail ? (guest ? `${local}@partner.example` : `${local}@${DOMAIN}`) : null,
    // An empty string differs from null and must not become null on the way.
    department: index % 97 === 50 ? "" : department,
    jobTitle: room ? null : index === 0 ? "Chief Executive Officer" : faker.person.jobTitle(),
    officeLocation: faker.helpers.arrayElement(offices),
    accountEnabled: !room && index % oneIn.disabled !== 12,
    userType: guest ? "Guest" : "Member",
    ...(manager === undefined || room || guest ? {} : { manager: { id: manager.id } }),
  };
}

/** Each head of department reports to the chief executive; teams mostly share their manager's, a few do not. */
function sampleDepartment(faker: Faker, index: number, manager: SampleUser | undefined): string {
  const head = departments[index - 1]?.[0];
  if (head !== undefined) return head;
  const moved = faker.number.int({ min: 1, max: 5 }) === 1;
  return moved ? departmentOf(faker) : (manager?.department ?? departmentOf(faker));
}

function uniqueName(name: string, taken: Set<string>): string {
  let unique = name;
  for (let suffix = 2; taken.has(unique); suffix += 1) unique = `${name}${suffix}`;
  taken.add(unique);
  return unique;
}

function sampleGroups(faker: Faker, users: readonly SampleUser[]): SampleGroup[] {
  const wanted = Math.max(1, Math.round(users.length / PEOPLE_PER_GROUP));
  const groups: SampleGroup[] = [
    group(
      faker,
      "All Employees",
      users.filter(({ userType }) => userType === "Member"),
    ),
  ];
  for (const [department] of departments) {
    if (groups.length >= wanted) break;
    groups.push(
      group(
        faker,
        `${department} Team`,
        users.filter((user) => user.department === department),
      ),
    );
  }
  const nestable = groups.slice(1);
  if (groups.length < wanted && nestable.length > 0)
    groups.push(group(faker, "All Teams", nestable));
  for (let index = groups.length; index < wanted; index += 1) {
    const size = faker.number.int({ min: 2, max: Math.min(24, users.length) });
    const members = faker.helpers.arrayElements(users, size);
    const nested = index % 9 === 4 ? groups.at(-1) : undefined;
    const name = `Project ${faker.word.noun({ length: { min: 4, max: 12 } })} ${index}`;
    groups.push(group(faker, name, nested === undefined ? members : [...members, nested]));
  }
  return groups;
}

function group(
  faker: Faker,
  displayName: string,
  members: readonly { readonly id: string }[],
): SampleGroup {
  const mailNickname = asciiName(displayName).replace(/\./g, "-");
  const unified = mailNickname.length % 3 === 0;
  return {
    id: guid(faker),
    displayName,
    description: mailNickname.length % 4 === 0 ? null : faker.company.catchPhrase(),
    mail: unified ? `${mailNickname}@${DOMAIN}` : null,
    mailEnabled: unified,
    mailNickname,
    securityEnabled: !unified,
    groupTypes: unified ? ["Unified"] : [],
    members: members.map(({ id }) => ({ id })),
  };
}
