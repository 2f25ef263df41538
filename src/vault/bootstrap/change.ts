/** What bootstrapping looks after. */
export type ChangeKind =
  | 'auth-mount'
  | 'auth-config'
  | 'policy'
  | 'token-role'
  | 'approle-role'
  | 'jwt-role'
  | 'secrets-role'
  | 'secrets-mount'
  | 'log-key';

/**
 * - `create`, `update`: apply will write it
 * - `none`: it is as it should be
 * - `extra`: it is there and nothing asks for it; apply removes it only when told to
 * - `attention`: only the operator can decide; apply leaves it alone
 */
export type ChangeAction = 'create' | 'update' | 'none' | 'extra' | 'attention';

/** One line of a plan. */
export interface Change {
  readonly kind: ChangeKind;
  readonly name: string;
  /** API path below `/v1/`. */
  readonly path: string;
  readonly action: ChangeAction;
  /** What differs, or what there is to decide; for people. */
  readonly detail: string;
}

/** A thing that is to be in Vault in a certain way. */
export interface Part {
  /** Looks and writes nothing. */
  plan(): Promise<Change>;
  /** Writes it. Only called when the plan said `create`, `update` or `extra`. */
  apply(): Promise<void>;
}
