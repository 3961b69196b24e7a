/**
 * What is read of one response of Microsoft Graph. Pages hold about 200 objects, whatever is asked for (facts: Graph
 * delta); the bounds leave several times what the largest tenants need, and keep two pages well within the memory of a
 * small instance.
 */
export const responseBounds = {
  /** Bytes as they come out of the decompression. */
  bytes: 8 * 1024 * 1024,
  /** Objects of one page. */
  objects: 10_000,
  /** Members of all groups of one page. */
  members: 20_000,
  /** Values and keys that are kept of one page, members aside: each may cost 60 bytes of memory. */
  tokens: 500_000,
  /** Bytes of one property. */
  valueBytes: 256 * 1024,
  /** Bytes of all properties that are kept of one object: the index keeps them in one document of at most 2 MB. */
  objectBytes: 1024 * 1024,
  /** Levels within one property. */
  valueDepth: 32,
  /** Values and keys of one property. */
  valueTokens: 20_000,
  /** Bytes of one member or reference: an id and a type. */
  relatedBytes: 4 * 1024,
  /** Bytes of an error response: what is beyond them is not read. */
  errorBytes: 64 * 1024,
} as const;
