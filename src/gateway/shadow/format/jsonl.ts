import { z } from 'zod';
import { EVIDENCE, type ReadLine } from '../egress-record.js';
import { addressField, hostField, textField, timeField } from './host-field.js';

const NAMESPACED = /^[a-z0-9.-]{1,253}\/[a-z0-9.-]{1,253}$/;

const entry = z.object({
  time: z.string(),
  host: z.string(),
  evidence: z.enum(EVIDENCE).default('connection'),
  allowed: z.boolean().default(true),
  source: z.string().optional(),
  service_account: z.string().regex(NAMESPACED).optional(),
  pod: z.string().regex(NAMESPACED).optional(),
  user: z.string().optional(),
  count: z.int().min(1).max(1_000_000_000).default(1),
});

/**
 * Our own format, for what no reader here knows: one JSON object a line with `time` and `host`, and where known
 * `evidence`, `allowed`, `source`, `service_account` and `pod` (NAMESPACE/NAME), `user` and `count`.
 */
export function readJsonl(line: string): ReadLine {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return 'unreadable';
  }
  const { data } = entry.safeParse(value);
  const at = timeField(data?.time);
  const host = hostField(data?.host);
  if (data === undefined || at === undefined || host === undefined) return 'unreadable';
  const source = addressField(data.source);
  const user = textField(data.user);
  return {
    at,
    host,
    evidence: data.evidence,
    allowed: data.allowed,
    count: data.count,
    ...(source === undefined ? {} : { source }),
    ...(data.service_account === undefined ? {} : { serviceAccount: data.service_account }),
    ...(data.pod === undefined ? {} : { pod: data.pod }),
    ...(user === undefined ? {} : { user }),
  };
}
