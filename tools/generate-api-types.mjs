#!/usr/bin/env node
// Writes src/sdk/api-types.ts: the schemas that docs/reference/openapi.json names, as TypeScript types.
// With --check it only compares. openapi-typescript would do, but does not take our version of TypeScript.
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { format, resolveConfig } from 'prettier';

const root = resolve(import.meta.dirname, '..');
const source = resolve(root, 'docs/reference/openapi.json');
const target = resolve(root, 'src/sdk/api-types.ts');
const PREFIX = '#/components/schemas/';
const SCALARS = { string: 'string', number: 'number', integer: 'number', boolean: 'boolean', null: 'null' };

/** @param {Record<string, any> | boolean | undefined} schema */
function typeOf(schema) {
  if (schema === undefined || schema === true) return 'unknown';
  if (schema === false) return 'never';
  if (schema.$ref !== undefined) return nameOf(schema.$ref);
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  for (const key of ['anyOf', 'oneOf'])
    if (schema[key] !== undefined) return unionOf(schema[key].map(typeOf));
  if (schema.allOf !== undefined) return schema.allOf.map((part) => `(${typeOf(part)})`).join(' & ');
  if (Array.isArray(schema.type)) return unionOf(schema.type.map((type) => typeOf({ ...schema, type })));
  if (schema.type === 'array') return `(${typeOf(schema.items)})[]`;
  if (schema.type === 'object' || schema.properties !== undefined) return objectOf(schema);
  return SCALARS[schema.type] ?? 'unknown';
}

/** @param {string} reference */
function nameOf(reference) {
  if (!reference.startsWith(PREFIX)) throw new Error(`${reference} points outside of the named schemas`);
  return reference.slice(PREFIX.length);
}

/** @param {string[]} types */
function unionOf(types) {
  return [...new Set(types)].map((type) => `(${type})`).join(' | ');
}

function objectOf(schema) {
  const members = Object.entries(schema.properties ?? {}).map(([name, member]) => {
    const required = schema.required?.includes(name);
    // JSON leaves undefined members out, so that callers may hand over what they do not have.
    const type = required ? typeOf(member) : unionOf([typeOf(member), 'undefined']);
    return `${docOf(member)}${JSON.stringify(name)}${required ? '' : '?'}: ${type};`;
  });
  // Whatever else a strict schema refuses cannot be said of a type, and an open one needs no more members here.
  if (members.length === 0) return `Record<string, ${typeOf(schema.additionalProperties)}>`;
  return `{ ${members.join('\n')} }`;
}

function docOf(schema) {
  const text = schema?.description?.replaceAll('*/', '*∕').replace(/\s*\n\s*/g, ' ');
  return text ? `/** ${text} */\n` : '';
}

const { components } = JSON.parse(readFileSync(source, 'utf8'));
const types = Object.entries(components.schemas)
  .sort(([a], [b]) => (a < b ? -1 : 1))
  .map(([name, schema]) => {
    const type = typeOf(schema);
    const isInterface = type.startsWith('{');
    return `${docOf(schema)}export ${isInterface ? `interface ${name} ${type}` : `type ${name} = ${type};`}\n`;
  });
const generated = await format(
  `/** Generated from the OpenAPI document by tools/generate-api-types.mjs; do not edit. */\n\n${types.join('\n')}`,
  { ...(await resolveConfig(target)), parser: 'typescript' },
);

if (process.argv.includes('--check')) {
  if (readFileSync(target, 'utf8') !== generated) {
    console.error('src/sdk/api-types.ts is not what the API says. Run: node tools/generate-api-types.mjs');
    process.exit(1);
  }
} else {
  writeFileSync(target, generated);
}
