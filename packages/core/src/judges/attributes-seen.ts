import { ATTRIBUTE_VALUES, type Look, type ToyAttribute, type ToyScene } from '../data/toy-world/index.js';

/** All attributes, in the order of the reader's heads. */
export const TOY_ATTRIBUTES = Object.keys(ATTRIBUTE_VALUES) as ToyAttribute[];

/** Values by attribute; attributes that a picture does not show are absent. */
export type SeenAttributes = Readonly<Partial<Record<ToyAttribute, string>>>;

/** Eyes are drawn as lines in these moods, so their colour cannot be seen. */
const CLOSED_EYES: readonly (string | undefined)[] = ['laughing', 'asleep'];

/**
 * What one picture shows of a character in a scene: the attributes of both, without the colour of eyes that are closed.
 * Takes visible attributes as `visibleLook` and `visibleScene` (or `toy_world.json`) give them.
 */
export function seenAttributes(
  look: Partial<Record<keyof Look, string>>,
  scene: Partial<Record<keyof ToyScene, string>>,
): SeenAttributes {
  const { eyes, ...rest } = look;
  const closed = eyes === undefined || CLOSED_EYES.includes(scene.expression);
  return { ...rest, ...(closed ? {} : { eyes }), ...scene };
}
