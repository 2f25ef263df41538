import { CredentialSource } from '../../../src/lease/credential-source.js';

type Call = Exclude<keyof CredentialSource, symbol>;

/** What a test does around a call to the real source. */
export interface Around {
  before?: (...parameters: unknown[]) => Promise<void> | void;
  after?: (...parameters: unknown[]) => Promise<void> | void;
}

/** The real source, which a test can stop at the door of each call; it counts the calls, too. */
export type WatchedSource = CredentialSource & {
  readonly around: Partial<Record<Call, Around>>;
  readonly counts: Map<Call, number>;
};

/** Puts doors around a source. */
export function watched(source: CredentialSource): WatchedSource {
  const around: Partial<Record<Call, Around>> = {};
  const counts = new Map<Call, number>();
  return new Proxy(source, {
    get(target, name): unknown {
      if (name === 'around') return around;
      if (name === 'counts') return counts;
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      const call = name as Call;
      return async (...parameters: unknown[]): Promise<unknown> => {
        counts.set(call, (counts.get(call) ?? 0) + 1);
        await around[call]?.before?.(...parameters);
        const answer: unknown = await Reflect.apply(
          value as (...p: unknown[]) => unknown,
          target,
          parameters,
        );
        await around[call]?.after?.(...parameters);
        return answer;
      };
    },
  }) as WatchedSource;
}
