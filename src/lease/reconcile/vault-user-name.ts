/** Vault's own template cuts a role's name to this. */
const ROLE_LETTERS = 8;
const UNIX_TIME = /-(\d{10})$/;

/**
 * Recognises users that Vault made for these roles, by the template that its PostgreSQL plugin has
 * (`v-DISPLAYNAME-ROLE-RANDOM-UNIXTIME`), or by the pattern of a role with a `username_template` of its own.
 * Throws a SyntaxError where `pattern` is no regular expression.
 */
export function vaultUserTest(
  roles: readonly string[],
  pattern: string | undefined,
): (user: string) => boolean {
  if (pattern !== undefined) {
    const own = new RegExp(`^(?:${pattern})$`, 'u');
    return (user) => own.test(user);
  }
  const beginnings = roles.map((role) => `-${role.slice(0, ROLE_LETTERS)}-`);
  return (user) =>
    user.startsWith('v-') && UNIX_TIME.test(user) && beginnings.some((part) => user.includes(part));
}

/** When Vault made a user, in milliseconds since the epoch by Vault's clock; undefined where its name does not tell. */
export function userMadeMs(user: string): number | undefined {
  const [, seconds] = UNIX_TIME.exec(user) ?? [];
  return seconds === undefined ? undefined : Number(seconds) * 1_000;
}
