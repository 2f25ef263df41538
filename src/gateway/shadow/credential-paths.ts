import { Injectable } from '@nestjs/common';
import type { Credential, CredentialKind } from '../../credential/credential.js';
import { CredentialCatalogue } from '../../credential/credential-catalogue.js';

const PAGE = 500;

/** Where each engine hands a credential out, and by which operations (Vault API: database, kv-v2, pki). */
const HANDED_OUT: Readonly<
  Record<CredentialKind, { segments: readonly string[]; operations: readonly string[] }>
> = {
  database: { segments: ['creds', 'static-creds'], operations: ['read'] },
  kv: { segments: ['data', 'subkeys'], operations: ['read'] },
  pki: { segments: ['issue', 'sign'], operations: ['update', 'create'] },
};

/** A credential of the catalogue whose secret a path gives away. */
export interface ManagedPath {
  readonly credential: string;
  readonly mount: string;
  readonly path: string;
  readonly operations: readonly string[];
}

/** The paths in Vault that give managed credentials away. */
@Injectable()
export class CredentialPaths {
  constructor(private readonly credentials: CredentialCatalogue) {}

  /** By path, also those of disabled credentials: what nobody may lease should not be read either. */
  async all(): Promise<ReadonlyMap<string, ManagedPath>> {
    const paths = new Map<string, ManagedPath>();
    let cursor: string | undefined;
    do {
      const page = await this.credentials.list({
        limit: PAGE,
        ...(cursor === undefined ? {} : { cursor }),
      });
      for (const credential of page.items) {
        for (const managed of pathsOf(credential)) paths.set(managed.path, managed);
      }
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    return paths;
  }
}

function pathsOf({ name, kind, mount, path }: Credential): ManagedPath[] {
  const { segments, operations } = HANDED_OUT[kind];
  return segments.map((segment) => ({
    credential: name,
    mount,
    path: `${mount}/${segment}/${path}`,
    operations,
  }));
}
