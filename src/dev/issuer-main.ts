import { parseArgs } from 'node:util';
import { startIssuer } from './issuer.js';

/**
 * The development issuer as a program: prints one line of JSON with its URL, and runs until told to stop.
 * For trying out alone: whoever reaches it gets any token.
 */
const { values } = parseArgs({
  options: { host: { type: 'string' }, port: { type: 'string' }, 'public-url': { type: 'string' } },
});
const { host, port, 'public-url': publicUrl } = values;
const issuer = await startIssuer({
  ...(host === undefined ? {} : { host }),
  ...(port === undefined ? {} : { port: Number(port) }),
  ...(publicUrl === undefined ? {} : { publicUrl }),
});
process.stdout.write(`${JSON.stringify({ issuer: issuer.url })}\n`);
const stop = (): void => void issuer.stop().then(() => process.exit(0));
process.once('SIGTERM', stop).once('SIGINT', stop);
