export { type Compatibility, type CompatibilitySetting, compatibility } from './compatibility.js';
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
  type FlowOptions,
  type GuidanceContexts,
  guidedVelocity,
  type SamplerStep,
  sampleFlow,
  timeGrid,
} from './flow-sampler.js';
export { DRAWING, EDITING, generateImage, type ImageOptions, initialNoise } from './generate-image.js';
export { type Guidance, guidanceActive, guide, RENORM_TYPES, type RenormType } from './guidance.js';
export {
  answer,
  type Drawing,
  draw,
  questionAbout,
  type RequestOptions,
  type ThinkOptions,
} from './requests.js';
export {
  type DrawnReply,
  type DrawReplyOptions,
  drawReply,
  type RolePlayScene,
  replyRequest,
} from './role-play.js';
export type { SamplingOptions } from './sample-token.js';
export { generateText, Scheduler, type TurnKind } from './scheduler.js';
export type { GeneratedText, TextOptions } from './text-row.js';
export { AbortedError, nextTurn } from './turns.js';
