/** A body that the chat tool takes, with changes. */
export function chatCase(changes: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return { model: 'small', messages: [{ role: 'user', content: 'hello' }], ...changes };
}
