import type { StoryView } from '../../sdk/api-types.js';

/** One line of a story: an event of the run, or an alert about it. */
export interface StoryMoment {
  readonly time: string;
  readonly chapter: string;
  readonly says: string;
  readonly actor: string;
  readonly step: string;
  /** Place in the log; undefined for an alert. */
  readonly index: number | undefined;
  readonly kind: string;
  readonly outcome: string;
}

/** The events of a story with its alerts between them, at the time at which each was raised. */
export async function* momentsOf(
  pages: AsyncIterable<StoryView>,
  begin: (page: StoryView) => void,
): AsyncGenerator<StoryMoment, void, undefined> {
  let alerts: StoryView['alerts'] | undefined;
  for await (const page of pages) {
    if (alerts === undefined) {
      alerts = [...page.alerts];
      begin(page);
    }
    for (const item of page.items) {
      while (alerts[0] !== undefined && alerts[0].opened_at < item.time) yield alertMoment(alerts.shift());
      const { step_id: step, outcome } = item.event;
      yield {
        time: item.time,
        chapter: item.chapter,
        says: item.says,
        actor: item.actor,
        step: typeof step === 'string' ? step : '',
        index: item.index,
        kind: item.kind,
        outcome: typeof outcome === 'string' ? outcome : '',
      };
    }
  }
  for (const alert of alerts ?? []) yield alertMoment(alert);
}

function alertMoment(alert: StoryView['alerts'][number] | undefined): StoryMoment {
  return {
    time: alert?.opened_at ?? '',
    chapter: 'alert',
    says: `Alert ${alert?.rule ?? ''} (${alert?.severity ?? ''}): ${alert?.summary ?? ''}`,
    actor: 'system:alerts',
    step: '',
    index: undefined,
    kind: 'alert.fired',
    outcome: alert?.severity ?? '',
  };
}

/** Millionths of the currency as a number for people. */
export function costText(micros: number): string {
  return (micros / 1_000_000).toFixed(6).replace(/0{1,4}$/, '');
}

/** What is said of a run above its timeline: names and values. */
export function headOf({ run, sums }: StoryView): readonly (readonly [name: string, value: string])[] {
  const claims = Object.entries(run.workload.claims ?? {}).map(([name, value]) => `${name}=${textOf(value)}`);
  const decisions = run.grant.decisions.map(
    ({ kind, subject, at }) => `${kind.replace('grant.', '')} by ${subject ?? 'nobody known'} at ${at}`,
  );
  const kinds = sums?.kinds ?? {};
  return [
    ['run', `${run.run_id ?? 'unnamed'} (${run.run_ref})`],
    ['workload', `${run.workload.subject ?? 'unknown'} of ${run.workload.issuer ?? 'unknown'}`],
    ['claims', claims.join(', ')],
    ['grant', `${run.grant.name ?? run.grant.id ?? 'unknown'}, version ${run.grant.version ?? 'unknown'}`],
    ['decided', decisions.join('; ')],
    ['opened', run.opened_at ?? ''],
    [
      'ended',
      run.ended === null
        ? 'not yet'
        : `${run.ended_at ?? ''} (${run.ended}, ${run.ended_by ?? 'the broker'})`,
    ],
    ['leases', `${kinds['lease.issued'] ?? 0} issued, ${kinds['lease.ended'] ?? 0} ended`],
    ['calls', `${kinds['call.started'] ?? 0} started, cost ${costText(sums?.cost_micros ?? 0)}`],
    ['refused', `${sums?.refused ?? 0}${sums?.exact === false ? ' or more' : ''}`],
  ];
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
