const FIRST = 'leasegate-log-origin/v1';

/** That a log goes on from another one, which ended with this size and root as far as it was signed. */
export interface OriginLink {
  readonly origin: string;
  readonly former: string;
  readonly formerSize: number;
  readonly formerRoot: Buffer;
}

/** The text of a link, as it is signed under both names: `leasegate-log-origin/v1`, then a line for each member. */
export function linkText({ origin, former, formerSize, formerRoot }: OriginLink): string {
  return `${FIRST}\n${origin}\n${former}\n${formerSize}\n${formerRoot.toString('base64')}\n`;
}

/** The link that a text is; undefined when it is none. */
export function linkOf(text: string): OriginLink | undefined {
  const [first, origin, former, size, root, ...rest] = text.split('\n');
  if (first !== FIRST || origin === undefined || former === undefined || root === undefined) return undefined;
  if (size === undefined || !/^(0|[1-9]\d{0,15})$/.test(size) || rest.join() !== '') return undefined;
  const link = { origin, former, formerSize: Number(size), formerRoot: Buffer.from(root, 'base64') };
  return linkText(link) === text ? link : undefined;
}
