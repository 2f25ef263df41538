import { EVENT_KINDS } from '../../audit/catalogue.js';
import type { Field, Fields } from '../../audit/field-class.js';

/** The catalogue of events as Markdown. */
export function eventsReference(): string {
  const rows = Object.entries<Fields>(EVENT_KINDS).map(
    ([kind, fields]) => `| \`${kind}\` | ${Object.entries(fields).map(describe).join(', ') || 'none'} |`,
  );
  return `# Events

Generated from \`src/audit/catalogue.ts\`; do not edit.

Every event has an envelope: \`v\`, \`id\`, \`time\`, \`nonce\`, \`kind\`, \`outcome\` (\`success\`, \`refused\`, \`failure\`),
\`code\` where it was refused or failed, \`request_id\`, \`actor\`, and what it is about: \`workload\`, \`run\`
(\`ref\`, \`run_id\`), \`step_id\`, \`grant\` (\`id\`, \`name\`, \`version\`), \`lease_id\`, \`credential\`. Its \`data\` has the fields
below. An **HMAC** field is stored as a keyed hash: equal values can be matched, and not read. There is no field for
secrets.

| kind | data |
|---|---|
${rows.join('\n')}
`;
}

function describe([name, field]: [string, Field<unknown>]): string {
  const notes = [field.class === 'sensitive' ? '**HMAC**' : '', field.optional ? 'optional' : ''].filter(
    Boolean,
  );
  return `\`${name}\`${notes.length > 0 ? ` (${notes.join(', ')})` : ''}`;
}
