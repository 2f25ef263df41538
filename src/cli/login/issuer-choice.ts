import { apiPath } from '../../sdk/api-request.js';
import type { LoginView } from '../../sdk/api-types.js';
import { Transport } from '../../sdk/transport.js';
import { CliError, usageError } from '../cli-error.js';

/** An issuer that the broker takes admins from, as it publishes it. */
export type LoginIssuer = LoginView['issuers'][number];

/** Asks the broker where its admins log in. */
export async function chooseIssuer(brokerUrl: URL, wanted: string | undefined): Promise<LoginIssuer> {
  const transport = new Transport({ url: brokerUrl });
  const { body } = await transport.json<LoginView>({ method: 'GET', path: apiPath`/v1/auth/config` });
  const { issuers } = body;
  const names = issuers.map(({ name }) => name).join(', ');
  if (wanted !== undefined) {
    const named = issuers.find(({ name }) => name === wanted);
    if (named === undefined)
      throw usageError(
        `The broker takes no admins from ${wanted}; it takes them from: ${names || 'nobody'}.`,
      );
    return named;
  }
  const [only, ...others] = issuers;
  if (only === undefined) {
    throw new CliError('login_not_configured', 'The broker has no issuer that people can log in with.', {
      next: 'An operator has to set `login` on an issuer that is usable for admins; until then use --token-file.',
    });
  }
  if (others.length > 0)
    throw usageError('The broker takes admins from several issuers.', `Name one with --issuer: ${names}.`);
  return only;
}
