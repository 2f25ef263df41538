import ts from 'typescript';
import { expect, it } from 'vitest';
import { parse, sourceFiles } from './sources.js';

// A promise that rejects while nobody waits for it, and an `error` event that nobody listens to, end the process. Where the
// form of the code could bring that about, the place is named here with why it does not; any other is refused.

/** `void f()`: what never rejects, as its own text says, or is no promise. */
const NEVER_REJECTS = [
  'alert/channel/guarded-post.ts: body.destroy',
  'api/http/parsers.ts: parseJson',
  'audit/log/checkpoint-loop.ts: this.tick',
  'audit/sequencer-loop.ts: this.tick',
  'cli/exec/rotations.ts: setTimeout(resolve, ms).unref',
  'cli/exec/supervised-child.ts: child.exit.then',
  'export/parquet.ts: this.#writer?.finish',
  'gateway/admission/batcher.ts: this.drain',
  'gateway/admission/open-calls.ts: this.look',
  'gateway/call/streamed-answer.ts: scrub.destroy',
  'gateway/inject/held-credentials.ts: this.letGo',
  'gateway/inject/lease-watch.ts: this.look',
  'lease/claim-queue.ts: queue.refilled',
  'lease/claim-queue.ts: this.refilled',
  'scheduler/heartbeat.ts: beat',
  'scheduler/runner.ts: this.tick',
  'sdk/held-lease.ts: this.#renewInBackground',
  'sdk/verify-manifest.ts: problems.push',
  'sdk/verify/scanners.ts: worker.terminate',
  'vault/lease-looks.ts: this.look',
];

/** `once('error')`: streams, which tell of one error and then of none, and what has another listener for good. */
const ONE_ERROR = [
  'api/gateway/provider-body.ts',
  'audit/retention/archive-files.ts',
  'cli/login/browser.ts',
  'cli/login/loopback.ts',
  'export/audit-export.ts',
  'gateway/call/upload-stream.ts',
  'sdk/verify/scanners.ts',
  'vault/tls-files.ts',
];

/** `pipe`, which hands no error on: both ends have listeners of their own. Anywhere else it is `pipeline`. */
const PIPED = ['audit/retention/archive-files.ts', 'gateway/call/upload-stream.ts'];

/** Who calls back and does not look at what it gets; and takes no promise. */
const CALLS_BACK =
  /^(setTimeout|setInterval|setImmediate|queueMicrotask)$|\.(on|once|addEventListener|after)$/;

interface Place {
  readonly file: string;
  readonly call: ts.CallExpression;
}

const PLACES: readonly Place[] = sourceFiles()
  .filter((file) => !/^(dev|console)\//.test(file))
  .flatMap((file) => {
    const calls: Place[] = [];
    const visit = (node: ts.Node): void => {
      if (ts.isCallExpression(node)) calls.push({ file, call: node });
      ts.forEachChild(node, visit);
    };
    visit(parse(file));
    return calls;
  });

const nameOf = ({ call }: Place): string => call.expression.getText().replace(/\s+/g, ' ');
const textOf = (place: Place): string => `${place.file}: ${nameOf(place)}`;
const isOf = (method: string): ((place: Place) => boolean) => {
  return ({ call }) => ts.isPropertyAccessExpression(call.expression) && call.expression.name.text === method;
};
const distinct = (texts: readonly string[]): string[] => [...new Set(texts)].sort();

it('nothing is started and left to itself but what never rejects', () => {
  const left = PLACES.filter(({ call }) => ts.isVoidExpression(call.parent))
    // A reply of Fastify can be awaited and need not be.
    .filter((place) => !/^reply\b/.test(nameOf(place)))
    .filter((place) => !isOf('catch')(place) && !(isOf('then')(place) && place.call.arguments.length === 2));
  expect(distinct(left.map(textOf))).toEqual(NEVER_REJECTS);
});

it('what `finally` answers, which rejects as well, is never dropped', () => {
  const dropped = PLACES.filter(isOf('finally')).filter(
    ({ call }) => ts.isVoidExpression(call.parent) || ts.isExpressionStatement(call.parent),
  );
  expect(dropped.map(textOf)).toEqual([]);
});

it('no timer and no emitter is given an async function', () => {
  const given = PLACES.filter((place) => CALLS_BACK.test(nameOf(place))).filter(({ call }) =>
    call.arguments.some(
      (argument) =>
        ts.isFunctionLike(argument) &&
        ts.canHaveModifiers(argument) &&
        argument.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.AsyncKeyword) === true,
    ),
  );
  expect(given.map(textOf)).toEqual([]);
});

it('errors are listened to for good, and handed on by `pipeline`', () => {
  const once = PLACES.filter(isOf('once')).filter(({ call }) => call.arguments[0]?.getText() === "'error'");
  expect(distinct(once.map(({ file }) => file))).toEqual(ONE_ERROR);
  // Those of rxjs are no streams.
  const piped = PLACES.filter(isOf('pipe')).filter(({ file }) => !file.startsWith('api/idempotency/'));
  expect(distinct(piped.map(({ file }) => file))).toEqual(PIPED);
});
