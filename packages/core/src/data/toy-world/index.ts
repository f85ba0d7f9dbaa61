export {
  ATTRIBUTE_VALUES,
  COLOURS,
  isIndoors,
  LOOK_ATTRIBUTES,
  LOOK_VALUES,
  type Look,
  type LookAttribute,
  SCENE_ATTRIBUTES,
  SCENE_VALUES,
  type SceneAttribute,
  type ToyAttribute,
  type ToyScene,
  visibleLook,
  visibleScene,
} from './attributes.js';
export { drawScene, scenePng, sceneSvg } from './drawing/index.js';
export { TRUTH_FILE } from './rolescape-files.js';
export { randomLook, randomScene } from './sample.js';
export { TOYSCAPE_SIZES, type ToyCharacter, type ToySizes, toyCharacter } from './toy-character.js';
export {
  isReservedLook,
  pretrainingCharacters,
  TOYSCAPE_NAMES,
  TOYSCAPE_SEED,
  toyscapeCharacter,
} from './toyscape.js';
export { WORLD_FOLDERS, writeToyCharacter } from './write-world.js';
