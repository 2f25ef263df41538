import type { Type } from '@nestjs/common';
import { openApiDocument } from './document.js';
import { documentationPage } from './page.js';

/** The description of the API as it is answered; made when somebody first asks, since a start should not wait for it. */
export class ApiDescription {
  #json: string | undefined;
  #page: string | undefined;

  constructor(
    private readonly controllers: readonly Type[],
    private readonly version: string,
  ) {}

  /** The OpenAPI document, as text. */
  get json(): string {
    return (this.#json ??= JSON.stringify(openApiDocument(this.controllers, this.version)));
  }

  /** The page for people. */
  get page(): string {
    return (this.#page ??= documentationPage(openApiDocument(this.controllers, this.version)));
  }
}
