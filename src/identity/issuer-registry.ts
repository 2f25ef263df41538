import { Injectable } from '@nestjs/common';
import { Settings } from '../settings/schema.js';
import type { IssuerSettings } from '../settings/issuer-schema.js';

/** The configured issuers. Trust comes from here alone, never from anything in a token. */
@Injectable()
export class IssuerRegistry {
  readonly #issuers: readonly IssuerSettings[];
  readonly #byUrl: ReadonlyMap<string, IssuerSettings>;
  readonly #byName: ReadonlyMap<string, IssuerSettings>;

  constructor(settings: Settings) {
    this.#issuers = settings.values.issuers;
    this.#byUrl = new Map(this.#issuers.map((issuer) => [issuer.url, issuer]));
    this.#byName = new Map(this.#issuers.map((issuer) => [issuer.name, issuer]));
  }

  /** The issuer whose URL is this `iss`, byte for byte: no normalisation, no trailing slash forgiven. */
  byUrl(iss: string): IssuerSettings | undefined {
    return this.#byUrl.get(iss);
  }

  /** The issuer that settings and grants call by this name. */
  byName(name: string): IssuerSettings | undefined {
    return this.#byName.get(name);
  }

  /** All issuers, in the order of the settings. */
  all(): readonly IssuerSettings[] {
    return this.#issuers;
  }
}
