/**
 * ToyScape-20: the twenty characters of the evaluation. Their seed is theirs alone: characters for pre-training are drawn
 * with other seeds, and a look or name of ToyScape is refused there.
 */
import { KeyedRandom } from '../../random/keyed-random.js';
import { type Look, visibleLook } from './attributes.js';
import { ADDRESSES, OPENERS } from './text/persona.js';
import { TOYSCAPE_SIZES, type ToyCharacter, toyCharacter } from './toy-character.js';

/** Of 1,500 seeds the one whose twenty looks are spread most evenly over the attributes. */
export const TOYSCAPE_SEED = 702;

export const TOYSCAPE_NAMES = [
  'Alma',
  'Bruno',
  'Cleo',
  'Dario',
  'Elsie',
  'Fabio',
  'Greta',
  'Hugo',
  'Inka',
  'Jasper',
  'Kiki',
  'Leo',
  'Mabel',
  'Nelson',
  'Odette',
  'Percy',
  'Quill',
  'Rosa',
  'Silas',
  'Thea',
] as const;

const STYLE_STREAM = 105;

/** Character `index` of ToyScape-20, 0 … 19. No two begin their replies with the same words or call people the same. */
export function toyscapeCharacter(index: number): ToyCharacter {
  const name = TOYSCAPE_NAMES[index];
  if (name === undefined) {
    throw new RangeError(`ToyScape-20 has characters 0 to ${TOYSCAPE_NAMES.length - 1}, found ${index}`);
  }
  const order = new KeyedRandom(TOYSCAPE_SEED, STYLE_STREAM, [0]);
  const opener = OPENERS[order.permutation(OPENERS.length)[index]!]!;
  const address = ADDRESSES[order.permutation(ADDRESSES.length)[index]!]!;
  return toyCharacter(TOYSCAPE_SEED, index, TOYSCAPE_SIZES, { name, opener, address });
}

const key = (look: Look) => Object.values(visibleLook(look)).join('/');

let reserved: ReadonlySet<string> | undefined;

/** Whether a look belongs to ToyScape-20 and must not be trained on before the evaluation. */
export function isReservedLook(look: Look): boolean {
  reserved ??= new Set(TOYSCAPE_NAMES.map((_, index) => key(toyscapeCharacter(index).look)));
  return reserved.has(key(look));
}

/**
 * Characters for pre-training: an endless supply with random names and looks, none of ToyScape-20.
 * @throws RangeError for the seed of ToyScape-20
 */
export function* pretrainingCharacters(seed: number): Generator<ToyCharacter> {
  if (seed === TOYSCAPE_SEED) {
    throw new RangeError(`seed ${TOYSCAPE_SEED} belongs to ToyScape-20; take another one`);
  }
  for (let index = 0; ; index++) {
    const character = toyCharacter(seed, index);
    if (!isReservedLook(character.look)) yield character;
  }
}
