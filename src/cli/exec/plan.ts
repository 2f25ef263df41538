import { usageError } from '../cli-error.js';
import { variableName } from '../shell-words.js';

/** A credential, or one field of it. */
export interface Source {
  readonly credential: string;
  readonly field: string | undefined;
}

/** What `exec` leases, and where each thing goes. */
export interface ExecPlan {
  /** Each credential once, in the order of the command line. */
  readonly credentials: readonly string[];
  /** All fields of a credential, as variables with this prefix. */
  readonly prefixes: readonly { readonly credential: string; readonly prefix: string }[];
  readonly variables: readonly { readonly variable: string; readonly source: Source }[];
  readonly files: readonly { readonly path: string; readonly source: Source }[];
}

const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;
const CREDENTIAL = /^[a-z][a-z0-9-]{0,62}$/;

/** Reads `--credential NAME[=PREFIX]`, `--env VARIABLE=NAME.FIELD` and `--file NAME[.FIELD]=PATH`; refuses what is unclear. */
export function planOf(options: {
  readonly credential: readonly string[];
  readonly env: readonly string[];
  readonly file: readonly string[];
}): ExecPlan {
  const prefixes = options.credential.map((text) => {
    const [name = '', prefix = variableName(name)] = split(text);
    if (!VARIABLE.test(prefix))
      throw usageError(`--credential ${text}: the prefix is no name of a variable.`);
    return { credential: sourceOf(name, '--credential', text).credential, prefix };
  });
  const variables = options.env.map((text) => {
    const [variable = '', from] = split(text);
    if (!VARIABLE.test(variable) || from === undefined)
      throw usageError(`--env ${text} is not VARIABLE=NAME.FIELD.`);
    const source = sourceOf(from, '--env', text);
    if (source.field === undefined) throw usageError(`--env ${text} does not say which field.`);
    return { variable, source };
  });
  const files = options.file.map((text) => {
    const [from = '', path] = split(text);
    if (path === undefined || path === '') throw usageError(`--file ${text} is not NAME=PATH.`);
    return { path, source: sourceOf(from, '--file', text) };
  });
  refuseTwice(
    '--env',
    variables.map(({ variable }) => variable),
  );
  refuseTwice(
    '--file',
    files.map(({ path }) => path),
  );
  refuseTwice(
    '--credential',
    prefixes.map(({ credential }) => credential),
  );
  const credentials = new Set([
    ...prefixes.map(({ credential }) => credential),
    ...[...variables, ...files].map(({ source }) => source.credential),
  ]);
  if (credentials.size === 0) {
    throw usageError(
      'exec needs at least one --credential, --env or --file.',
      'leasegate exec --credential NAME -- COMMAND',
    );
  }
  return { credentials: [...credentials], prefixes, variables, files };
}

type Data = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** The field, or the whole credential as JSON. Throws with the names of the fields when there is none of that name. */
export function valueOf(data: Data, { credential, field }: Source): unknown {
  const fields = data[credential] ?? {};
  if (field === undefined) return { ...fields };
  if (!Object.hasOwn(fields, field)) {
    throw usageError(`${credential} has no field ${field}; it has: ${Object.keys(fields).join(', ')}.`);
  }
  return fields[field];
}

/** The variables of the plan with their values, each a text by way of `asText`. */
export function environmentOf(
  plan: ExecPlan,
  data: Data,
  asText: (value: unknown) => string,
): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const { credential, prefix } of plan.prefixes) {
    for (const [field, value] of Object.entries(data[credential] ?? {})) {
      const variable = variableName(prefix, field);
      if (variable in environment) {
        throw usageError(
          `Two fields would become the variable ${variable}.`,
          'Give one of them another prefix: --credential NAME=PREFIX.',
        );
      }
      environment[variable] = asText(value);
    }
  }
  for (const { variable, source } of plan.variables) environment[variable] = asText(valueOf(data, source));
  for (const [variable, value] of Object.entries(environment)) {
    // It would end the variable early, or be refused by the system.
    if (value.includes('\0'))
      throw usageError(`The value for ${variable} cannot be an environment variable.`, 'Use --file.');
  }
  return environment;
}

function split(text: string): [string, string?] {
  const at = text.indexOf('=');
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

function sourceOf(text: string, option: string, whole: string): Source {
  const dot = text.indexOf('.');
  const credential = dot < 0 ? text : text.slice(0, dot);
  const field = dot < 0 ? undefined : text.slice(dot + 1);
  if (!CREDENTIAL.test(credential) || field === '' || (field !== undefined && option === '--credential')) {
    throw usageError(`${option} ${whole} does not name a credential.`);
  }
  return { credential, field };
}

function refuseTwice(option: string, names: readonly string[]): void {
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw usageError(`${option} is given twice for ${twice}.`);
}
