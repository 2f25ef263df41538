import { fastify } from 'fastify';
import { expect, it, onTestFinished } from 'vitest';
import type { AccessGuard } from '../../../src/api/access/access.guard.js';
import { ACCESS } from '../../../src/api/access/access.js';
import { DirectRoutes, type DirectRoute } from '../../../src/api/http/direct-routes.js';
import type { ProblemFilter } from '../../../src/api/problem/problem.filter.js';
import { SilentLog } from '../../../src/kernel/log.js';
import { everythingDue, unhandledRejections } from '../../support/unhandled.js';

class Declared {
  get(): void {}
}
const get = Object.getOwnPropertyDescriptor(Declared.prototype, 'get')?.value as object;
Reflect.defineMetadata(ACCESS, { kind: 'run-token', gateway: true }, get);

class HeardLog extends SilentLog {
  readonly errors: string[] = [];
  override error(_fields?: unknown, message = ''): void {
    this.errors.push(message);
  }
}

it('an answer that cannot be written, and whose problem cannot be either, ends its connection and no more', async () => {
  const unhandled = unhandledRejections();
  const log = new HeardLog();
  const guard = { run: async () => ({}) } as unknown as AccessGuard;
  const problems = {
    // The header that could not be written is still there.
    answerWith: (_error: unknown, _request: unknown, reply: { send(text: string): void }) =>
      reply.send('problem'),
  } as unknown as ProblemFilter;
  const direct: DirectRoute = {
    url: '/here',
    declaredBy: Declared,
    declaredAs: ['get'],
    access: { kind: 'run-token', gateway: true },
    serve: async (_identity, _request, reply) => {
      void reply.header('x-name', 'no header can hold \u20ac').send('text');
    },
  };
  const server = fastify();
  onTestFinished(() => server.close());
  const routes = new DirectRoutes(guard, problems, log);
  server.addHook('onRoute', (route) => routes.takeOver(route, direct));
  server.get('/here', () => 'taken over');
  const address = await server.listen({ port: 0, host: '127.0.0.1' });
  await expect(fetch(`${address}/here`, { signal: AbortSignal.timeout(10_000) })).rejects.toThrow(
    'fetch failed',
  );
  await everythingDue();
  expect(unhandled).toEqual([]);
  expect(log.errors).toEqual(['an answer could not be written']);
});
