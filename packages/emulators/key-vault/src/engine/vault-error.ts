/** Every refusal that the emulator makes on purpose, in the words of Key Vault: clients branch on status and code. */
export type VaultErrorCode =
  | "BadParameter"
  | "Conflict"
  | "Forbidden"
  | "InternalServerError"
  | "MethodNotAllowed"
  | "RequestEntityTooLarge"
  | "SecretNotFound"
  | "ServiceUnavailable"
  | "Throttled"
  | "Unauthorized";

export class VaultError extends Error {
  override readonly name = "VaultError";
  readonly status: number;
  readonly code: VaultErrorCode;
  /** `innererror.code`. */
  readonly innerCode: string | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    code: VaultErrorCode,
    message: string,
    extra: {
      readonly innerCode?: string;
      readonly headers?: Readonly<Record<string, string>>;
      readonly cause?: unknown;
    } = {},
  ) {
    super(message, { cause: extra.cause });
    this.status = status;
    this.code = code;
    this.innerCode = extra.innerCode;
    this.headers = extra.headers ?? {};
  }
}

export function badParameter(message: string, cause?: unknown): VaultError {
  return new VaultError(400, "BadParameter", message, { cause });
}

export function secretNotFound(nameOrId: string): VaultError {
  return new VaultError(
    404,
    "SecretNotFound",
    `A secret with (name/id) ${nameOrId} was not found in this key vault. If you recently deleted this secret you may be able to recover it using the correct recovery command. For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125182`,
  );
}

export function secretDisabled(): VaultError {
  return new VaultError(403, "Forbidden", "Operation get is not allowed on a disabled secret.", {
    innerCode: "SecretDisabled",
  });
}

export function deletedButRecoverable(name: string): VaultError {
  return new VaultError(
    409,
    "Conflict",
    `Secret ${name} is currently in a deleted but recoverable state, and its name cannot be reused; in this state, the secret can only be recovered or purged.`,
    { innerCode: "ObjectIsDeletedButRecoverable" },
  );
}
