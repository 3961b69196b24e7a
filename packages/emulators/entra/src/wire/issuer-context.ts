import type { DeviceCodes } from "../engine/device-codes";
import type { SigningKeys } from "../engine/signing-keys";
import type { Tenant } from "../engine/tenant";
import type { TokenIssuer } from "../engine/token-issuer";

/** What the endpoints serve from. */
export interface IssuerContext {
  readonly tenant: Tenant;
  readonly keys: SigningKeys;
  readonly issuer: TokenIssuer;
  readonly lifetimeSeconds: number;
  readonly deviceCodes: DeviceCodes;
  readonly deviceCodeSeconds: number;
  readonly intervalSeconds: number;
  /** `https://localhost:PORT` */
  readonly authority: string;
}
