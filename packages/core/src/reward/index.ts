export { type CompositeReward, type CompositeScores, compositeReward, type RewardTerm } from './composite.js';
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
