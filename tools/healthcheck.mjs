// For containers: exits with 0 when the URL answers with success within two seconds, else with 1.
const [url] = process.argv.slice(2);
const ok = await fetch(url, { signal: AbortSignal.timeout(2_000) }).then(
  (response) => response.ok,
  () => false,
);
process.exit(ok ? 0 : 1);
