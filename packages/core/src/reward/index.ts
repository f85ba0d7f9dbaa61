export { alignmentReward } from './alignment-reward.js';
export {
  type CompositeCompat,
  type CompositeReward,
  type CompositeScores,
  compositeReward,
  type RewardTerm,
} from './composite.js';
export {
  type AnswerMatch,
  type AskAboutPicture,
  type ConsistencyOptions,
  consistencyReward,
} from './consistency-reward.js';
export { describedReward } from './described-reward.js';
export { type DiversityOptions, diversityReward } from './diversity/diversity-reward.js';
export type { DiversityCredit } from './diversity/group-diversity.js';
export { featureDistance, lpipsDistance, type PictureDistance } from './diversity/picture-distance.js';
export { type GroupStatistics, groupStatistics } from './group-statistics.js';
export {
  type HttpRewardOptions,
  httpReward,
  httpTextReward,
  RewardUnavailableError,
} from './http/http-reward.js';
export {
  type ImageStatistics,
  imageStatistics,
  meanImageStatistics,
  nearestTrainingSimilarity,
} from './image-statistics.js';
export { fromBytes, toBytes } from './pictures/float-image.js';
export {
  type FloatImage,
  type ReferencePictures,
  RewardError,
  type RewardModel,
  type RewardSample,
  type RewardScores,
  type Scorer,
  type TextRewardModel,
  type TextRewardSample,
  type WeightedQuestion,
} from './reward-model.js';
export {
  clipFeatures,
  dinoFeatures,
  type PictureFeatures,
  thumbnailFeatures,
} from './similarity/picture-features.js';
export { similarityReward } from './similarity/similarity-reward.js';
export type { SimilarityWindow } from './similarity/similarity-window.js';
export { forbiddenWordsReward } from './text/forbidden-words-reward.js';
export { type LengthWindow, lengthReward } from './text/length-reward.js';
export {
  type PersonaClassifier,
  type PersonaClassifierOptions,
  type SpokenLine,
  trainPersonaClassifier,
} from './text/persona-classifier.js';
export { personaReward } from './text/persona-reward.js';
export { repetitionReward } from './text/repetition-reward.js';
export { BlipModel } from './towers/blip/blip-model.js';
export { ClipModel } from './towers/clip/clip-model.js';
export { DinoModel } from './towers/dino/dino-model.js';
export type { PositionResize } from './towers/dino/resize-positions.js';
export { LpipsModel } from './towers/lpips/lpips-model.js';
export { type VqaOptions, vqaReward } from './vqa/vqa-reward.js';
