import { describedInstruction, sceneInstruction } from '../../data/toy-world/text/instructions.js';
import { lookWords } from '../../data/toy-world/text/words.js';
import type { KeyedRandom } from '../../random/keyed-random.js';
import type { ToyPicture } from '../toy-pictures.js';

/** Names of nobody in ToyScape-20. */
const NAMES = ['Tomo', 'Nela', 'Bibi', 'Oskar', 'Yuna', 'Pip', 'Wanda', 'Zeno', 'Juno', 'Ravi'] as const;

/**
 * A caption of a picture: what happens in it, told of a name alone, of a look, or of both. A customised character's prompts
 * only name it, so a third of the captions do the same.
 */
export function caption({ look, scene }: ToyPicture, random: KeyedRandom): string {
  const name = NAMES[random.integer(NAMES.length)]!;
  const kind = random.integer(3);
  if (kind === 0) return sceneInstruction(random, name, scene);
  if (kind === 1) return sceneInstruction(random, lookWords(look), scene);
  return describedInstruction(random, name, look, scene);
}
