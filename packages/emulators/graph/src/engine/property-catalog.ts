/*
 * The properties of users and groups in Graph v1.0 that the directory stores, with the checks of the service. Lengths
 * are those of the v1.0 resource reference. A seed may have further properties; a request may not.
 */

export type CollectionName = "users" | "groups";

export type PropertyKind = "string" | "boolean" | "strings" | "object" | "objects";

interface Property {
  readonly kind: PropertyKind;
  readonly maxLength?: number;
  /** Set by the service only. */
  readonly readOnly?: boolean;
  /** Required at creation. */
  readonly required?: boolean;
  /** Never null. */
  readonly notNull?: boolean;
  /** Accepted at creation or change, never returned. */
  readonly secret?: boolean;
}

export interface ResourceType {
  readonly collection: CollectionName;
  /** Name in error messages. */
  readonly title: "User" | "Group";
  readonly odataType: "#microsoft.graph.user" | "#microsoft.graph.group";
  readonly properties: ReadonlyMap<string, Property>;
  /** What a read without `$select` returns. */
  readonly defaults: readonly string[];
  /** The navigation property that delta tracks. */
  readonly relation: "manager" | "members";
}

const text = (maxLength: number): Property => ({ kind: "string", maxLength });
const string: Property = { kind: "string" };
const strings: Property = { kind: "strings" };
const readOnly = (kind: PropertyKind): Property => ({ kind, readOnly: true });

const onPremises: Record<string, Property> = {
  onPremisesDomainName: readOnly("string"),
  onPremisesLastSyncDateTime: readOnly("string"),
  onPremisesProvisioningErrors: readOnly("objects"),
  onPremisesSamAccountName: readOnly("string"),
  onPremisesSecurityIdentifier: readOnly("string"),
  onPremisesSyncEnabled: readOnly("boolean"),
};

const userProperties: Record<string, Property> = {
  accountEnabled: { kind: "boolean", required: true },
  ageGroup: string,
  assignedLicenses: readOnly("objects"),
  assignedPlans: readOnly("objects"),
  authorizationInfo: { kind: "object" },
  businessPhones: { kind: "strings", notNull: true },
  city: text(128),
  companyName: text(64),
  consentProvidedForMinor: string,
  country: text(128),
  createdDateTime: readOnly("string"),
  creationType: readOnly("string"),
  deletedDateTime: readOnly("string"),
  department: text(64),
  displayName: { kind: "string", maxLength: 256, required: true, notNull: true },
  employeeHireDate: string,
  employeeId: text(16),
  employeeLeaveDateTime: string,
  employeeOrgData: { kind: "object" },
  employeeType: string,
  externalUserState: string,
  externalUserStateChangeDateTime: string,
  faxNumber: text(64),
  givenName: text(64),
  id: readOnly("string"),
  identities: { kind: "objects" },
  imAddresses: readOnly("strings"),
  isResourceAccount: { kind: "boolean" },
  jobTitle: text(128),
  lastPasswordChangeDateTime: readOnly("string"),
  legalAgeGroupClassification: readOnly("string"),
  licenseAssignmentStates: readOnly("objects"),
  mail: text(256),
  mailNickname: { kind: "string", maxLength: 64, required: true, notNull: true },
  mobilePhone: text(64),
  officeLocation: text(128),
  ...onPremises,
  onPremisesDistinguishedName: readOnly("string"),
  onPremisesExtensionAttributes: { kind: "object" },
  onPremisesImmutableId: string,
  onPremisesUserPrincipalName: readOnly("string"),
  otherMails: strings,
  passwordPolicies: string,
  passwordProfile: { kind: "object", required: true, secret: true },
  postalCode: text(40),
  preferredDataLocation: string,
  preferredLanguage: string,
  provisionedPlans: readOnly("objects"),
  proxyAddresses: readOnly("strings"),
  securityIdentifier: readOnly("string"),
  serviceProvisioningErrors: readOnly("objects"),
  showInAddressList: { kind: "boolean" },
  signInSessionsValidFromDateTime: readOnly("string"),
  state: text(128),
  streetAddress: text(1024),
  surname: text(64),
  usageLocation: text(2),
  userPrincipalName: { kind: "string", maxLength: 1024, required: true, notNull: true },
  userType: string,
};

const groupProperties: Record<string, Property> = {
  assignedLabels: { kind: "objects" },
  assignedLicenses: readOnly("objects"),
  classification: string,
  createdDateTime: readOnly("string"),
  creationOptions: { kind: "strings" },
  deletedDateTime: readOnly("string"),
  description: text(1024),
  displayName: { kind: "string", maxLength: 256, required: true, notNull: true },
  expirationDateTime: readOnly("string"),
  groupTypes: { kind: "strings", notNull: true },
  id: readOnly("string"),
  isAssignableToRole: { kind: "boolean" },
  mail: readOnly("string"),
  mailEnabled: { kind: "boolean", required: true, notNull: true },
  mailNickname: { kind: "string", maxLength: 64, required: true, notNull: true },
  membershipRule: text(3072),
  membershipRuleProcessingState: string,
  ...onPremises,
  onPremisesNetBiosName: readOnly("string"),
  preferredDataLocation: string,
  preferredLanguage: string,
  proxyAddresses: readOnly("strings"),
  renewedDateTime: readOnly("string"),
  resourceBehaviorOptions: strings,
  resourceProvisioningOptions: strings,
  securityEnabled: { kind: "boolean", required: true, notNull: true },
  securityIdentifier: readOnly("string"),
  serviceProvisioningErrors: readOnly("objects"),
  theme: string,
  uniqueName: string,
  visibility: string,
};

const userType: ResourceType = {
  collection: "users",
  title: "User",
  odataType: "#microsoft.graph.user",
  properties: new Map(Object.entries(userProperties)),
  defaults: [
    "businessPhones",
    "displayName",
    "givenName",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
    "id",
  ],
  relation: "manager",
};

const groupType: ResourceType = {
  collection: "groups",
  title: "Group",
  odataType: "#microsoft.graph.group",
  properties: new Map(Object.entries(groupProperties)),
  defaults: Object.keys(groupProperties),
  relation: "members",
};

export const resourceTypes: Readonly<Record<CollectionName, ResourceType>> = {
  users: userType,
  groups: groupType,
};

/** Directory extensions are named by the application that registered them. */
export function isDirectoryExtension(name: string): boolean {
  return /^extension_[0-9a-f]{32}_\w{1,100}$/i.test(name);
}

function isPlainObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether a value has the type of the property, null aside. */
export function hasKind(kind: PropertyKind, value: unknown): boolean {
  switch (kind) {
    case "string":
      return typeof value === "string";
    case "boolean":
      return typeof value === "boolean";
    case "strings":
      return Array.isArray(value) && value.every((item) => typeof item === "string");
    case "object":
      return isPlainObject(value);
    case "objects":
      return Array.isArray(value) && value.every(isPlainObject);
  }
}
