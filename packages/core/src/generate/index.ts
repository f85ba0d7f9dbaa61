export {
  disposeContexts,
  type GenerationModels,
  type ReadOptions,
  type RequestContexts,
  type RequestItem,
  readRequest,
  readText,
  textItemIds,
} from './contexts.js';
export {
  type GuidanceContexts,
  guidedVelocity,
  type SamplerStep,
  sampleFlow,
  timeGrid,
} from './flow-sampler.js';
export { DRAWING, EDITING, generateImage, type ImageOptions, initialNoise } from './generate-image.js';
export { chooseToken, type GeneratedText, generateText, type TextOptions } from './generate-text.js';
export { type Guidance, guidanceActive, guide, RENORM_TYPES, type RenormType } from './guidance.js';
export { answer, answerAboutImage, type Drawing, draw, type ThinkOptions } from './requests.js';
export {
  drawReply,
  type RolePlay,
  type RolePlayOptions,
  type RolePlayScene,
  replyInRole,
  rolePlay,
} from './role-play.js';
export { AbortedError, nextTurn } from './turns.js';
