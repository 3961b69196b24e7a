/**
 * Brings the directory to the state of a tenant file. An empty directory is seeded; on existing data a file whose
 * content was applied last time is ignored (later changes stay), and any other becomes ordinary changes: properties,
 * managers, members, new objects, and soft deletion of objects that are no longer in the file.
 */
import { createHash } from "node:crypto";
import type { Directory } from "./engine/directory";
import { isVisible, type DirectoryObject } from "./engine/directory-object";
import type { DirectoryStore } from "./store/directory-store";
import type { CollectionName } from "./engine/property-catalog";
import type { Tenant } from "./topology";

const SETTING = "tenantFingerprint";

interface SeedObject {
  readonly collection: CollectionName;
  readonly id: string;
  readonly properties: Record<string, unknown>;
}

function* seedObjects(tenant: Tenant): Generator<SeedObject> {
  for (const { id, manager: _manager, ...properties } of tenant.users)
    yield { collection: "users", id, properties };
  for (const { id, members: _members, ...properties } of tenant.groups)
    yield { collection: "groups", id, properties };
}

function found(directory: Directory, id: string): DirectoryObject {
  const object = directory.find(id);
  if (object === undefined) throw new RangeError(`no object ${id}`);
  return object;
}

function applyObject(directory: Directory, { collection, id, properties }: SeedObject): void {
  let object = directory.find(id);
  if (object?.collection !== undefined && object.collection !== collection) {
    // The id has changed its type: the object that it named is gone.
    directory.delete(object);
    directory.purge(object);
  }
  object = directory.find(id);
  if (object?.collection === undefined || object.state === "purged") {
    directory.create(collection, id, properties);
    return;
  }
  if (object.state === "deleted") directory.restore(object);
  // A property that is no longer in the file is cleared, except those that the service itself has set.
  const cleared = Object.keys(object.properties).filter(
    (name) => !(name in properties) && !setByService.has(name),
  );
  const values: Record<string, unknown> = { ...properties };
  for (const name of cleared) if (object.properties[name] !== null) values[name] = null;
  directory.setProperties(object, values);
}

const setByService: ReadonlySet<string> = new Set(["createdDateTime", "renewedDateTime"]);

function applyLinks(directory: Directory, tenant: Tenant): void {
  for (const { id, manager } of tenant.users) {
    const wanted =
      manager === undefined || manager === null
        ? undefined
        : directory.reference(manager.id, manager["@odata.type"]);
    directory.setManager(found(directory, id), wanted);
  }
  for (const { id, members } of tenant.groups) {
    const group = found(directory, id);
    const wanted = new Set(
      (members ?? []).map((member) => directory.reference(member.id, member["@odata.type"])),
    );
    for (const member of [...group.members.keys()])
      if (!wanted.has(member)) directory.removeMember(group, member);
    for (const member of wanted) directory.addMember(group, member);
  }
}

function apply(directory: Directory, tenant: Tenant): void {
  const ids = new Set([...tenant.users, ...tenant.groups].map(({ id }) => id.toLowerCase()));
  for (const collection of ["users", "groups"] as const) {
    for (const object of [...directory.ordered(collection)]) {
      if (isVisible(object) && !ids.has(object.id.toLowerCase())) directory.delete(object);
    }
  }
  for (const object of seedObjects(tenant)) applyObject(directory, object);
  applyLinks(directory, tenant);
}

export function seedDirectory(directory: Directory, store: DirectoryStore, tenant: Tenant): void {
  const fingerprint = createHash("sha256").update(JSON.stringify(tenant)).digest("base64");
  if (store.setting(SETTING) === fingerprint) return;
  if (directory.isEmpty) directory.fill(() => apply(directory, tenant));
  else apply(directory, tenant);
  store.setSetting(SETTING, fingerprint);
}
