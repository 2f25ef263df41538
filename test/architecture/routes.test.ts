import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { parse, sourceFiles } from './sources.js';

const VERBS = new Set(['Get', 'Post', 'Put', 'Patch', 'Delete', 'All', 'Head', 'Options']);
const ACCESS = new Set(['Public', 'RunToken', 'WorkloadToken', 'Roles']);

interface Route {
  readonly where: string;
  readonly access: readonly string[];
  readonly arguments: number;
}

function decoratorsOf(node: ts.Node): { name: string; call: ts.CallExpression }[] {
  if (!ts.canHaveDecorators(node)) return [];
  return (ts.getDecorators(node) ?? []).flatMap(({ expression }) =>
    ts.isCallExpression(expression) && ts.isIdentifier(expression.expression)
      ? [{ name: expression.expression.text, call: expression }]
      : [],
  );
}

function routesOf(file: string): Route[] {
  const routes: Route[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isClassDeclaration(node) && decoratorsOf(node).some(({ name }) => name === 'Controller')) {
      for (const member of node.members) {
        const decorators = decoratorsOf(member);
        if (!decorators.some(({ name }) => VERBS.has(name))) continue;
        const access = decorators.filter(({ name }) => ACCESS.has(name));
        routes.push({
          where: `${file} ${node.name?.text ?? ''}.${member.name?.getText() ?? ''}`,
          access: access.map(({ name }) => name),
          arguments: access.reduce((count, { call }) => count + call.arguments.length, 0),
        });
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(parse(file));
  return routes;
}

describe('routes', () => {
  const routes = sourceFiles().flatMap(routesOf);

  it('are found', () => {
    expect(routes.length).toBeGreaterThan(25);
  });

  it('declare their access on the method, once', () => {
    expect(routes.filter(({ access }) => access.length !== 1)).toEqual([]);
  });

  it('say why when they are public, and which roles when they need one', () => {
    const mute = routes.filter(
      ({ access, arguments: count }) =>
        (access.includes('Public') || access.includes('Roles')) && count === 0,
    );
    expect(mute).toEqual([]);
  });
});
