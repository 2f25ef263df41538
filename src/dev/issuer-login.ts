import type { IncomingMessage, ServerResponse } from 'node:http';
import type Provider from 'oidc-provider';
import { ROLES } from '../kernel/caller.js';
import { readForm } from './issuer-requests.js';

/** Who has logged in to the development issuer, and the roles that they chose. */
export class DevAccounts {
  readonly #roles = new Map<string, readonly string[]>();

  remember(subject: string, roles: readonly string[]): void {
    this.#roles.set(subject, roles);
  }

  rolesOf(subject: string): readonly string[] {
    return this.#roles.get(subject) ?? [];
  }
}

/** The login page: anybody, no password, any roles. GET shows it, POST logs in. */
export async function answerLogin(
  provider: Provider,
  accounts: DevAccounts,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { uid } = await provider.interactionDetails(request, response);
  if (request.method === 'POST') {
    const form = await readForm(request);
    const subject = form.get('subject')?.trim() ?? '';
    if (/^[\w.@+-]{1,100}$/.test(subject)) {
      accounts.remember(subject, form.getAll('role'));
      // Native clients are asked for consent every time; pressing the button here is both.
      const result = { login: { accountId: subject }, consent: {} };
      await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
      return;
    }
  }
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' });
  response.end(page(uid));
}

function page(uid: string): string {
  const roles = ROLES.map(
    (role) =>
      `<label><input type="checkbox" name="role" value="${role}"${role === 'admin' ? ' checked' : ''}> ${role}</label>`,
  ).join('\n');
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Log in to the development issuer</title>
<style>
  body { font: 1rem/1.5 system-ui, sans-serif; max-width: 24rem; margin: 4rem auto; padding: 0 1rem; }
  fieldset { border: 1px solid #888; margin: 1rem 0; } label { display: block; }
  input[type=text] { font: inherit; width: 100%; padding: .4rem; box-sizing: border-box; }
  button { font: inherit; padding: .4rem 1.2rem; }
</style>
<h1>Development issuer</h1>
<p>There is no password: this issuer is for trying Leasegate out on one machine.</p>
<form method="post" action="/interaction/${encodeURIComponent(uid)}">
<label>Name <input type="text" name="subject" value="alice" required pattern="[A-Za-z0-9_.@+\\-]{1,100}" autofocus></label>
<fieldset><legend>Roles</legend>
${roles}
</fieldset>
<button>Log in</button>
</form>
</html>`;
}
