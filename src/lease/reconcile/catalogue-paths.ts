import { Injectable } from '@nestjs/common';
import { CredentialCatalogue } from '../../credential/credential-catalogue.js';
import type { CredentialKind } from '../../credential/credential.js';

/** A path of Vault, with the credentials that are leased from it: several may share a role. */
export interface CataloguePath {
  readonly kind: CredentialKind;
  readonly mount: string;
  readonly path: string;
  readonly credentials: readonly string[];
}

const PAGE = 200;

/** What the catalogue has, path by path. */
@Injectable()
export class CataloguePaths {
  constructor(private readonly catalogue: CredentialCatalogue) {}

  async all(): Promise<readonly CataloguePath[]> {
    const byPath = new Map<string, CataloguePath & { readonly credentials: string[] }>();
    let cursor: string | null = null;
    do {
      const page = await this.catalogue.list({ limit: PAGE, ...(cursor !== null && { cursor }) });
      for (const { kind, mount, path, name } of page.items) {
        const key = JSON.stringify([kind, mount, path]);
        const known = byPath.get(key);
        if (known === undefined) byPath.set(key, { kind, mount, path, credentials: [name] });
        else known.credentials.push(name);
      }
      cursor = page.nextCursor;
    } while (cursor !== null);
    return [...byPath.values()];
  }
}
