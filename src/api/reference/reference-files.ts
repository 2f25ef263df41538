import { settingsReference } from '../../settings/reference.js';
import { ALL_CONTROLLERS } from '../controllers.js';
import { openApiDocument } from '../openapi/document.js';
import { errorsReference } from './errors.js';
import { eventsReference } from './events.js';

/** The generated files of `docs/reference`, by name. A test compares them with what is committed. */
export function referenceFiles(version: string): Readonly<Record<string, string>> {
  return {
    'openapi.json': `${JSON.stringify(openApiDocument(ALL_CONTROLLERS, version), null, 2)}\n`,
    'settings.md': settingsReference(),
    'errors.md': errorsReference(),
    'events.md': eventsReference(),
  };
}
