/** What the global set-up hands to every test process. */
export interface ProvidedParts {
  readonly postgres: { readonly host: string; readonly port: number; readonly adminUrl: string };
  readonly vault: {
    readonly address: string;
    readonly rootToken: string;
    readonly hostSeenFromVault: string;
  };
  readonly issuer: { readonly url: string };
}

declare module 'vitest' {
  interface ProvidedContext {
    leasegateParts: ProvidedParts;
  }
}

/** The migrated database that {@link freshDatabase} copies; nobody may stay connected to it. */
export const TEMPLATE_DATABASE = 'leasegate_template';
