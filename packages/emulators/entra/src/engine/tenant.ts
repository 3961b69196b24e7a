/** App roles granted, by audience (the scope without `/.default`). */
type Roles = Readonly<Record<string, readonly string[]>>;

/** An application that may ask for tokens. */
export interface Client {
  readonly clientId: string;
  /** Absent: the client gets no token for itself. */
  readonly clientSecret?: string | undefined;
  /** Whether users log in with this client by a device code. */
  readonly publicClient: boolean;
  readonly roles: Roles;
}

/** A person who may log in. There are no passwords. */
export interface User {
  readonly username: string;
  readonly name: string;
  readonly roles: Roles;
}

/** What tokens are issued for. */
export interface Tenant {
  readonly tenantId: string;
  readonly clients: readonly Client[];
  readonly users: readonly User[];
}
