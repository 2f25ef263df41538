#!/usr/bin/env -S node --max-semi-space-size=4
let cli;
try {
  cli = await import('../dist/src/cli/leasegate.js');
} catch (error) {
  if (error?.code !== 'ERR_MODULE_NOT_FOUND') throw error;
  process.stderr.write(
    'leasegate: it is not built, or a package is missing.\n  next: npm ci && npm run build\n',
  );
  process.exit(3);
}
const { stdin, stdout, stderr, env: environment } = process;
// Whoever reads us may stop early (`| head`); that is no failure.
stdout.on('error', (error) => process.exit(error.code === 'EPIPE' ? 0 : 1));
// What nobody listens to must not end a command that holds leases, or a broker.
stderr.on('error', () => {});
process.exitCode = await cli.main(process.argv.slice(2), { stdin, stdout, stderr, environment });
