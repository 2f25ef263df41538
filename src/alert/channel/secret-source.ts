import { readFile } from 'node:fs/promises';
import { Secret } from '../../kernel/secret.js';
import { DeliveryError } from './channel.js';

/** A secret of a channel: as the settings have it, or as its file has it at this moment. */
export async function readSecret(given: Secret | undefined, file: string | undefined): Promise<Secret> {
  if (given !== undefined) return given;
  try {
    return Secret.of((await readFile(file ?? '', 'utf8')).trim());
  } catch {
    throw new DeliveryError('the file with the secret cannot be read');
  }
}
