import { Draw } from './draw.js';
import { LOOK_ALIKES } from './look-alikes.js';
import { SURROUNDINGS, type Surroundings } from './surroundings.js';
import { CARDS, EMAILS, IBANS, KEYS, type Maker } from './values.js';

/** One body of the corpus. */
export interface Sample {
  /** What is in it, by the kind that it is to be called; undefined where there is nothing. */
  readonly kind: string | undefined;
  /** Group and surroundings, for who wants to know what went wrong. */
  readonly name: string;
  readonly value: string;
  readonly contentType: string;
  readonly body: string;
}

const SEED = 20_261_121;
/** How often each look-alike is drawn for each surroundings. */
const LOOK_ALIKES_EACH = 2;

/** Every kind of value in every surroundings. */
export function positives(): Sample[] {
  const draw = new Draw(SEED);
  const makers: [string, readonly Maker[]][] = [
    ['email', EMAILS],
    ['card', CARDS],
    ['iban', IBANS],
    ...Object.entries(KEYS).map(([name, keys]): [string, readonly Maker[]] => [`key/${name}`, keys]),
  ];
  return makers.flatMap(([kind, each]) =>
    SURROUNDINGS.flatMap((surroundings) =>
      each.map((make) => sample(kind, kind, make(draw), surroundings, draw)),
    ),
  );
}

/** Every look-alike in every surroundings. */
export function negatives(): Sample[] {
  const draw = new Draw(SEED + 1);
  return Object.entries(LOOK_ALIKES).flatMap(([group, makers]) =>
    SURROUNDINGS.flatMap((surroundings) =>
      makers.flatMap((make) =>
        Array.from({ length: LOOK_ALIKES_EACH }, () =>
          sample(undefined, group, make(draw), surroundings, draw),
        ),
      ),
    ),
  );
}

function sample(
  kind: string | undefined,
  group: string,
  value: string,
  { name, contentType, around }: Surroundings,
  draw: Draw,
): Sample {
  return { kind, name: `${group}, ${name}`, value, contentType, body: around(value, draw) };
}
