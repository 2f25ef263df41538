import type { WhoamiView } from '../../sdk/api-types.js';
import { AdminClient } from '../../sdk/admin-client.js';
import { authorize, revoke } from '../login/authorization.js';
import { openBrowser } from '../login/browser.js';
import { chooseIssuer } from '../login/issuer-choice.js';
import { TokenCache } from '../login/token-cache.js';
import { adminClient, brokerUrl } from '../clients.js';
import type { Invocation } from '../invocation.js';

/** `login` */
export async function login(invocation: Invocation): Promise<void> {
  const { output, environment } = invocation;
  const url = brokerUrl(invocation);
  const issuer = await chooseIssuer(url, invocation.text('issuer'));
  const result = await authorize(issuer, {
    timeoutMs: (invocation.number('timeout') ?? 300) * 1000,
    show: async (address) => {
      output.note(`Open this address to log in with ${issuer.name}:`);
      output.note(address.href, 'bold');
      // Commander turns --no-browser into a false `browser`.
      if (invocation.flag('browser') && !(await openBrowser(address, environment))) {
        output.note('(no browser could be opened from here)', 'dim');
      }
    },
  });
  // Before it is kept: a token that the broker does not take is no login.
  const me = await new AdminClient({ url, tokenSource: async () => result.token }).whoami();
  await new TokenCache(environment).set(url, result);
  await printMe(invocation, me);
}

/** `logout` */
export async function logout(invocation: Invocation): Promise<void> {
  const url = brokerUrl(invocation);
  const cache = new TokenCache(invocation.environment);
  const before = await cache.get(url);
  await cache.set(url, undefined);
  let revoked = false;
  if (before !== undefined) {
    try {
      revoked = await revoke(before);
    } catch (error) {
      const why = error instanceof Error ? error.message : 'unknown reason';
      invocation.output.note(
        `the token is forgotten here, but could not be revoked at the issuer: ${why}`,
        'yellow',
      );
    }
  }
  await invocation.output.show({ logged_out: before !== undefined, revoked }, () =>
    before === undefined
      ? 'nobody was logged in'
      : revoked
        ? 'logged out; the token is revoked'
        : 'logged out',
  );
}

/** `whoami` */
export async function whoami(invocation: Invocation): Promise<void> {
  await printMe(invocation, await adminClient(invocation).whoami());
}

async function printMe({ output }: Invocation, me: WhoamiView): Promise<void> {
  await output.show(me, () =>
    output.fields([
      ['issuer', me.issuer],
      ['subject', me.subject],
      ['roles', me.roles.join(', ')],
      ['until', me.expires_at],
    ]),
  );
}
