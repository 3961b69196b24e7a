import { insertCharge, readCharge, replaceCharge } from "./model/charge";
import { checkId, draftDocument, type StoredDocument } from "./model/document";
import { badRequest, CosmosError } from "./model/cosmos-error";
import { parseJson, type Json } from "./model/json";
import { keyMismatch } from "./model/partition-key";
import { parsePatch, patchDocument } from "./patch";
import type { Transaction } from "./transaction";

export type OperationKind = "create" | "upsert" | "replace" | "delete" | "patch" | "read";

export interface Operation {
  readonly kind: OperationKind;
  /** Id of the document; for a create or an upsert it is in the body. */
  readonly id: string | undefined;
  readonly body: Json | undefined;
  readonly ifMatch: string | undefined;
  readonly ifNoneMatch: string | undefined;
}

export interface Outcome {
  readonly status: number;
  readonly document: StoredDocument | undefined;
  readonly charge: number;
}

function notFound(): CosmosError {
  return new CosmosError("NotFound", "Entity with the specified id does not exist in the system.");
}

function requireMatch(
  transaction: Transaction,
  current: StoredDocument,
  ifMatch: string | undefined,
): void {
  if (ifMatch === undefined || ifMatch === "*") return;
  if (transaction.container.etag(current) !== ifMatch) {
    throw new CosmosError(
      "PreconditionFailed",
      "Operation cannot be performed because one of the specified precondition is not met.",
    );
  }
}

function existing(transaction: Transaction, operation: Operation): StoredDocument {
  const current = transaction.find(checkId(operation.id));
  if (current === undefined) throw notFound();
  return current;
}

/**
 * Carries one operation out within a transaction.
 *
 * @throws CosmosError if the operation is refused; the transaction is unchanged then
 */
export function execute(transaction: Transaction, operation: Operation): Outcome {
  switch (operation.kind) {
    case "create":
    case "upsert":
      return write(transaction, operation);
    case "replace": {
      const current = existing(transaction, operation);
      requireMatch(transaction, current, operation.ifMatch);
      return replace(transaction, current, operation.body);
    }
    case "patch": {
      const current = existing(transaction, operation);
      requireMatch(transaction, current, operation.ifMatch);
      const patched = patchDocument(parseJson(current.json), parsePatch(operation.body), {
        partitionKeyPaths: transaction.container.definition.partitionKeyPaths,
        rendered: () => parseJson(transaction.container.render(current)),
      });
      return replace(transaction, current, patched);
    }
    case "delete": {
      const current = existing(transaction, operation);
      requireMatch(transaction, current, operation.ifMatch);
      transaction.remove(current.id);
      return { status: 204, document: undefined, charge: insertCharge(current.json.length) };
    }
    case "read": {
      const current = existing(transaction, operation);
      requireMatch(transaction, current, operation.ifMatch);
      const { ifNoneMatch } = operation;
      const unchanged =
        ifNoneMatch !== undefined && ifNoneMatch === transaction.container.etag(current);
      if (unchanged) return { status: 304, document: current, charge: 1 };
      return { status: 200, document: current, charge: readCharge(current.json.length) };
    }
  }
}

function write(transaction: Transaction, { kind, body, ifMatch }: Operation): Outcome {
  const draft = draftDocument(body, transaction.container.definition);
  if (draft.partitionKey !== transaction.partitionKey) throw keyMismatch();
  const current = transaction.find(draft.id);
  if (current === undefined) {
    // As in the service, an upsert of a document that does not exist is a create, whatever If-Match says.
    const document = transaction.put(draft);
    return { status: 201, document, charge: insertCharge(draft.json.length) };
  }
  if (kind === "create") {
    throw new CosmosError("Conflict", "Entity with the specified id already exists in the system.");
  }
  requireMatch(transaction, current, ifMatch);
  const document = transaction.put(draft);
  return { status: 200, document, charge: replaceCharge(draft.json.length) };
}

function replace(
  transaction: Transaction,
  current: StoredDocument,
  body: Json | undefined,
): Outcome {
  const draft = draftDocument(body, transaction.container.definition);
  if (draft.id !== current.id) throw badRequest("The id of a document cannot be changed.");
  if (draft.partitionKey !== transaction.partitionKey) throw keyMismatch();
  const document = transaction.put(draft);
  return { status: 200, document, charge: replaceCharge(draft.json.length) };
}
