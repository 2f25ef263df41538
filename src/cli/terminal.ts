import { stripVTControlCharacters } from 'node:util';

/** Where a command's output goes. */
export interface OutputStreams {
  readonly stdout: NodeJS.WritableStream & { readonly isTTY?: boolean };
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean };
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Whether to colour: a terminal, and nobody asked not to (https://no-color.org). */
export function wantsColour(stream: { readonly isTTY?: boolean }, environment: Environment): boolean {
  return stream.isTTY === true && !environment['NO_COLOR'] && environment['TERM'] !== 'dumb';
}

const STYLES = { bold: [1, 22], dim: [2, 22], red: [31, 39], green: [32, 39], yellow: [33, 39] } as const;

export type Style = keyof typeof STYLES;

export function styled(text: string, style: Style, colour: boolean): string {
  const [on, off] = STYLES[style];
  return colour ? `\u001b[${on}m${text}\u001b[${off}m` : text;
}

// What others chose (subjects, claims, reasons) must not move the cursor, hide lines or retitle the terminal.
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;

/** Text of others, made harmless for a terminal. */
export function harmless(text: string): string {
  return stripVTControlCharacters(text).replace(CONTROLS, '\u{fffd}');
}
