import { Validator } from '@seriousme/openapi-schema-validator';
import 'reflect-metadata';
import { Controller, Get } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { Public } from '../../../src/api/access/access.js';
import { ALL_CONTROLLERS } from '../../../src/api/controllers.js';
import { openApiDocument } from '../../../src/api/openapi/document.js';
import { Documented } from '../../../src/api/openapi/operation.js';
import { documentationPage } from '../../../src/api/openapi/page.js';
import { declaredRoutes } from '../../../src/api/openapi/routes.js';

type Json = Record<string, unknown>;
const document = openApiDocument(ALL_CONTROLLERS, '1.2.3');

/** Calls back for every object in a document, with its place. */
function walk(
  value: unknown,
  place: readonly string[],
  see: (object: Json, place: readonly string[]) => void,
): void {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) see(value as Json, place);
  for (const [key, member] of Object.entries(value)) walk(member, [...place, key], see);
}

function operations(): { readonly where: string; readonly operation: Json }[] {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([verb, operation]) => ({ where: `${verb} ${path}`, operation })),
  );
}

describe('a route that is refused', () => {
  it('is one without documentation', () => {
    @Controller('x')
    class Bare {
      @Get()
      @Public('for this test')
      read(): void {}
    }
    expect(() => openApiDocument([Bare], '1')).toThrow('Bare.read is not documented');
  });

  it('is one without access', () => {
    @Controller('x')
    class Open {
      @Get()
      @Documented({ id: 'open', tag: 'Operation', summary: 'nothing' })
      read(): void {}
    }
    expect(() => openApiDocument([Open], '1')).toThrow('declares no access');
  });
});

describe('the OpenAPI document', () => {
  it('is OpenAPI 3.1 with what it has to have', () => {
    expect(document.openapi).toMatch(/^3\.1\.\d+$/);
    expect(document['info']).toMatchObject({ title: 'Leasegate', version: '1.2.3' });
    expect(Object.keys(document).sort()).toEqual(['components', 'info', 'openapi', 'paths', 'servers']);
  });

  it('has every route, under a name of its own', () => {
    expect(operations()).toHaveLength(declaredRoutes(ALL_CONTROLLERS).length);
    const ids = operations().map(({ operation }) => operation['operationId']);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('declares every parameter of a path, and describes every answer', () => {
    for (const { where, operation } of operations()) {
      const inPath = [...where.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const parameters = operation['parameters'] as {
        name: string;
        in: string;
        required: boolean;
        schema: Json;
      }[];
      expect(
        parameters.filter((one) => one.in === 'path').map(({ name }) => name),
        where,
      ).toEqual(inPath);
      expect(new Set(parameters.map((one) => `${one.in} ${one.name.toLowerCase()}`)).size, where).toBe(
        parameters.length,
      );
      for (const one of parameters) expect(one.schema, `${where} ${one.name}`).toBeTypeOf('object');
      const responses = operation['responses'] as Record<string, Json>;
      expect(Object.keys(responses).length, where).toBeGreaterThan(1);
      for (const [status, response] of Object.entries(responses)) {
        expect(status, where).toMatch(/^([1-5]\d\d|default)$/);
        if (response['$ref'] === undefined)
          expect(response['description'], `${where} ${status}`).toBeTypeOf('string');
      }
    }
  });

  it('is valid by the schema of OpenAPI 3.1', async () => {
    const result = await new Validator().validate(structuredClone(document));
    expect(result).toMatchObject({ valid: true });
  });

  it('refers to nothing that is not there', () => {
    walk(document, [], ({ $ref }, place) => {
      if (typeof $ref !== 'string') return;
      const parts = $ref.replace('#/', '').split('/');
      const found = parts.reduce<unknown>((value, key) => (value as Json | undefined)?.[key], document);
      expect(found, `${place.join('.')} -> ${$ref}`).toBeTypeOf('object');
    });
  });

  it('has no keyword of OpenAPI 3.0 or of another dialect', () => {
    walk(document, [], (object, place) => {
      const isSchema = place.includes('schema') || place.includes('schemas');
      if (!isSchema || place.at(-1) === 'properties') return;
      for (const keyword of ['nullable', 'definitions', '$schema', '$defs'])
        expect(object, place.join('.')).not.toHaveProperty(keyword);
      if (typeof object['exclusiveMinimum'] === 'boolean') throw new Error(place.join('.'));
    });
  });

  it('refuses fields that are not there in every JSON body', () => {
    for (const { where, operation } of operations()) {
      const content = (operation['requestBody'] as { content: Record<string, { schema: Json }> } | undefined)
        ?.content;
      const schema = content?.['application/json']?.schema;
      if (schema === undefined) continue;
      const named = /schemas\/(\w+)$/.exec(String(schema['$ref']))?.[1];
      const schemas = (document['components'] as { schemas: Record<string, Json> }).schemas;
      const resolved = named === undefined ? schema : (schemas[named] ?? {});
      const objects = [resolved, ...((resolved['anyOf'] as Json[] | undefined) ?? [])].flatMap((one) =>
        one['anyOf'] === undefined ? [one] : (one['anyOf'] as Json[]),
      );
      const shapes = objects.filter((one) => one['type'] === 'object');
      expect(shapes.length, where).toBeGreaterThan(0);
      for (const shape of shapes) expect(shape['additionalProperties'], where).toBe(false);
    }
  });

  it('speaks snake_case', () => {
    walk(document, [], (object, place) => {
      if (place.at(-1) !== 'properties') return;
      for (const name of Object.keys(object)) expect(name, place.join('.')).toMatch(/^[a-z][a-z0-9_]*$/);
    });
  });
});

describe('the page', () => {
  const page = documentationPage(document);

  it('asks nothing of anywhere else, and runs no script', () => {
    expect(page).not.toMatch(
      /<script|<link|<img|@import|url\(|https?:\/\/(?!leasegate)[^<]*["']\s*(src|href)/i,
    );
    expect(
      [...page.matchAll(/(?:src|href)="([^"]*)"/g)].every(([, target]) => /^[#/]/.test(target ?? '')),
    ).toBe(true);
  });

  it('has every operation', () => {
    for (const { operation } of operations())
      expect(page).toContain(`id="${String(operation['operationId'])}"`);
  });
});
