import { isNode, type Node, type OpenApiDocument, type Operation } from './document.js';

/** How a tool puts its credential into requests, as in a tool's spec. */
export type Injection = Readonly<Record<string, unknown>>;

/** How the document says that the operation is authenticated: by its first alternative that a tool can do. */
export function injectionOf(document: OpenApiDocument, { operation }: Operation): Injection | undefined {
  const alternatives = operation['security'] ?? document.root['security'];
  const components = document.root['components'];
  const schemes = isNode(components) ? components['securitySchemes'] : undefined;
  if (!Array.isArray(alternatives) || !isNode(schemes)) return undefined;
  for (const alternative of alternatives as unknown[]) {
    const names = isNode(alternative) ? Object.keys(alternative) : [];
    const [name] = names;
    if (name === undefined || names.length > 1) continue;
    const scheme = document.resolved(schemes[name]);
    const made = scheme && ofScheme(scheme);
    if (made !== undefined) return made;
  }
  return undefined;
}

function ofScheme(scheme: Node): Injection | undefined {
  const { type, name, in: place } = scheme;
  if (type === 'http') {
    const kind = String(scheme['scheme']).toLowerCase();
    return kind === 'bearer' || kind === 'basic' ? { as: kind } : undefined;
  }
  if (type === 'apiKey' && typeof name === 'string' && (place === 'header' || place === 'query'))
    return { as: place, name };
  if (type === 'mutualTLS') return { as: 'client-certificate' };
  if (type !== 'oauth2' && type !== 'openIdConnect') return undefined;
  const flows = scheme['flows'];
  const flow = isNode(flows) ? flows['clientCredentials'] : undefined;
  const tokenUrl = isNode(flow) ? flow['tokenUrl'] : undefined;
  return typeof tokenUrl === 'string' && tokenUrl.startsWith('https://')
    ? { as: 'oauth-client-credentials', token_url: tokenUrl }
    : { as: 'bearer' };
}
