import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { OPENBAO_IMAGE } from '../../../src/dev/vault-source.js';
import { repositoryRoot } from '../../../src/dev/repository.js';

const root = repositoryRoot();
const read = (file: string): Promise<string> => readFile(join(root, file), 'utf8');

/** A tag that names one release: digits with at least one dot, and not `latest`. */
const PINNED = /:\d+\.\d+(\.\d+)?(-[\w.-]+)?$/;

interface Stage {
  readonly from: string;
  readonly name: string;
  readonly lines: string[];
}

/** Instructions by stage, with continued lines joined and comments left out. */
function stagesOf(dockerfile: string): Stage[] {
  const lines = dockerfile
    .split('\n')
    .filter((line) => !line.trimStart().startsWith('#'))
    .join('\n')
    .replaceAll(/\\\n\s*/g, ' ')
    .split('\n')
    .filter((line) => line.trim() !== '');
  const stages: Stage[] = [];
  for (const line of lines) {
    const from = /^FROM (\S+) AS (\S+)$/.exec(line);
    if (from !== null) stages.push({ from: from[1] ?? '', name: from[2] ?? '', lines: [] });
    else stages.at(-1)?.lines.push(line);
  }
  return stages;
}

describe('Dockerfile', async () => {
  const text = await read('Dockerfile');
  const stages = stagesOf(text);
  const linesOf = (name: string): readonly string[] =>
    stages.find((stage) => stage.name === name)?.lines ?? [];
  const runtime = ['broker', 'dev-issuer'];

  it('ends with the broker, and has a stage for trying out', () => {
    expect(stages.at(-1)?.name).toBe('broker');
    expect(stages.map(({ name }) => name)).toContain('dev-issuer');
  });

  it('starts from one release of Node 24', () => {
    const names = stages.map(({ name }) => name);
    const bases = stages.map(({ from }) => from).filter((from) => !names.includes(from));
    expect(bases).toHaveLength(1);
    expect(bases[0]).toMatch(/^node:24\./);
    expect(bases[0]).toMatch(PINNED);
  });

  it.each(runtime)('runs %s as a user who is not root, and says whether it is well', (name) => {
    const users = linesOf(name).filter((line) => line.startsWith('USER '));
    expect(users).toEqual(['USER node']);
    expect(linesOf(name).indexOf('USER node')).toBeGreaterThan(
      Math.max(...linesOf(name).map((line, at) => (/^(RUN|COPY)/.test(line) ? at : -1))),
    );
    const health = linesOf(name).filter((line) => line.startsWith('HEALTHCHECK '));
    expect(health).toHaveLength(1);
    expect(health[0]).toMatch(/--timeout=\d+s.* CMD \["node", "tools\/healthcheck\.mjs", /);
  });

  it.each(runtime)('starts %s without a shell, so that it gets its signals', (name) => {
    for (const line of linesOf(name).filter((one) => /^(ENTRYPOINT|CMD)/.test(one)))
      expect(line).toMatch(/^(ENTRYPOINT|CMD) \[".*"\]$/);
  });

  it('leaves development packages and programs out of the broker', () => {
    expect(linesOf('dependencies').join('\n')).toMatch(/npm ci --omit=dev/);
    expect(linesOf('broker').join('\n')).not.toMatch(/--from=build \/app/);
    expect(linesOf('build').join('\n')).toMatch(/rm -rf \/release\/src\/dev/);
  });

  it('does nothing that ages badly or brings more than is meant', () => {
    for (const line of stages.flatMap((stage) => stage.lines)) {
      expect(line).not.toMatch(/^(ADD|MAINTAINER) /);
      expect(line).not.toMatch(/\bsudo\b|curl .*\| *(ba)?sh|npm install|chmod (-R )?777/);
      expect(line).not.toMatch(/^(ENV|ARG) .*(PASSWORD|SECRET|TOKEN|KEY)/i);
      expect(line).not.toMatch(/^COPY \. /);
      if (/apt-get install/.test(line))
        expect(line).toMatch(/--no-install-recommends.*rm -rf \/var\/lib\/apt\/lists/);
      if (line.startsWith('WORKDIR ')) expect(line).toMatch(/^WORKDIR \//);
    }
  });

  it('has in its context every file that it copies', async () => {
    const allowed = (await read('.dockerignore'))
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1));
    const copied = stages
      .flatMap((stage) => stage.lines)
      .filter((line) => line.startsWith('COPY ') && !line.includes('--from='))
      .flatMap((line) => line.split(' ').slice(1, -1));
    for (const path of copied) expect(allowed).toContain(path.replace(/\/$/, ''));
    expect((await read('.dockerignore')).split('\n')).toContain('*');
  });
});

interface Service {
  readonly image?: string;
  readonly build?: { readonly target?: string };
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly test?: readonly string[]; readonly disable?: boolean };
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly restart?: string;
}

describe('docker-compose.yml', async () => {
  const text = await read('docker-compose.yml');
  const compose = parse(text, { merge: true }) as {
    services: Record<string, Service>;
    volumes: Record<string, unknown>;
  };
  const services = Object.entries(compose.services);

  it('has the parts that are promised', () => {
    expect(Object.keys(compose.services).sort()).toEqual(
      [
        'api',
        'issuer',
        'migrate',
        'openbao',
        'postgres',
        'scheduler',
        'secrets',
        'sequencer',
        'set-up',
      ].sort(),
    );
    expect(compose.services['openbao']?.image).toBe(OPENBAO_IMAGE);
    for (const role of ['api', 'scheduler', 'sequencer'])
      expect(compose.services[role]?.environment?.['LEASEGATE_ROLES']).toBe(role);
  });

  it.each(services)('pins or builds the image of %s', (_name, service) => {
    if (service.build === undefined) expect(service.image).toMatch(PINNED);
    else expect(['broker', 'dev-issuer']).toContain(service.build.target);
  });

  it.each(services)('holds no secret of %s', (_name, service) => {
    for (const [name, value] of Object.entries(service.environment ?? {})) {
      if (/PASSWORD|SECRET|TOKEN|HMAC_KEY|DATABASE__URL/.test(name)) expect(name).toMatch(/_FILE$/);
      expect(String(value)).not.toMatch(/:[^/@\s]+@/);
    }
  });

  it.each(services)('publishes %s on loopback alone', (_name, service) => {
    for (const port of service.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
  });

  it.each(services)('knows when %s is well or done', (_name, service) => {
    const ends = service.restart === 'no';
    if (ends) expect(service.healthcheck).toEqual({ disable: true });
    else if (service.build?.target !== 'dev-issuer') expect(service.healthcheck?.test?.[0]).toBe('CMD');
    for (const [other, { condition }] of Object.entries(service.depends_on ?? {})) {
      const awaited = compose.services[other]?.restart === 'no';
      expect(condition).toBe(awaited ? 'service_completed_successfully' : 'service_healthy');
    }
  });

  it.each(services.filter(([, service]) => service.build !== undefined))(
    'runs %s read-only and without capabilities',
    (_name, service) => {
      expect(service).toMatchObject({ read_only: true, cap_drop: ['ALL'] });
    },
  );

  it('gives each service only its own secrets', () => {
    const holders = (volume: string): string[] =>
      services
        .filter(([, { volumes }]) => volumes?.some((mount) => mount.startsWith(`${volume}:`)))
        .map(([name]) => name)
        .filter((name) => name !== 'secrets' && name !== 'set-up');
    expect(holders('postgres-secrets')).toEqual(['postgres']);
    expect(holders('openbao-secrets')).toEqual(['openbao']);
    expect(holders('broker-secrets').sort()).toEqual(['api', 'migrate', 'scheduler', 'sequencer']);
  });

  it('declares every volume that it mounts', () => {
    const named = services
      .flatMap(([, { volumes }]) => volumes ?? [])
      .map((mount) => mount.split(':')[0] ?? '')
      .filter((source) => !source.startsWith('.'));
    for (const name of named) expect(Object.keys(compose.volumes)).toContain(name);
  });

  it('is taken by Docker Compose, where there is one', async () => {
    const run = promisify(execFile);
    const there = await run('docker', ['compose', 'version']).then(
      () => true,
      () => false,
    );
    if (there)
      await run('docker', ['compose', '--file', 'docker-compose.yml', 'config', '--quiet'], { cwd: root });
    expect(compose.services).toBeDefined();
  });
});
