import { spawn } from 'node:child_process';

/** Opens an address in the user's browser; answers whether something was started. Never throws. */
export async function openBrowser(
  url: URL,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<boolean> {
  const [command, ...words] = commandFor(process.platform, environment) ?? [];
  if (command === undefined) return false;
  return new Promise((resolve) => {
    // No shell: the address contains & and what the issuer chose.
    const child = spawn(command, [...words, url.href], { stdio: 'ignore', detached: true });
    child.once('error', () => resolve(false));
    child.once('spawn', () => {
      child.unref();
      resolve(true);
    });
  });
}

function commandFor(
  platform: NodeJS.Platform,
  environment: Readonly<Record<string, string | undefined>>,
): readonly string[] | undefined {
  if (platform === 'darwin') return ['open'];
  if (platform === 'win32') return ['rundll32', 'url.dll,FileProtocolHandler'];
  return environment['DISPLAY'] || environment['WAYLAND_DISPLAY'] ? ['xdg-open'] : undefined;
}
