export type { LearnProgress } from './learn.js';
export { AttributeReader } from './reader/attribute-reader.js';
export type { Reading } from './reader/fit-drawing.js';
export { CLIP_RECIPE, type JudgeRecipe, READER_RECIPE } from './recipes.js';
export { type JudgeTrainingOptions, makeClip, makeReader } from './train-judges.js';
