/** What a link is attached to. */
export type LinkAddress =
  | { readonly kind: "claims" }
  | { readonly kind: "management"; readonly entity: string }
  | { readonly kind: "entity"; readonly entity: string };

const MANAGEMENT_SUFFIX = /\/\$management$/i;

/** Reads an address; clients send it with or without `amqps://host/` in front. */
export function parseAddress(address: string | null | undefined): LinkAddress {
  const path = (address ?? "").replace(/^[a-z]+:\/\/[^/]*\//i, "").replace(/^\/+|\/+$/g, "");
  if (path.toLowerCase() === "$cbs") return { kind: "claims" };
  if (MANAGEMENT_SUFFIX.test(path))
    return { kind: "management", entity: path.replace(MANAGEMENT_SUFFIX, "") };
  return { kind: "entity", entity: path };
}
