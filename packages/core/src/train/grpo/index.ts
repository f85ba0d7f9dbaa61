export { GroupField, type GroupShape } from './group-field.js';
export { learnFromReplies } from './learn-from-replies.js';
export { learnFromRewards } from './learn-from-rewards.js';
export {
  disposeRollOut,
  type RollOut,
  type RollOutNoise,
  type RollOutPlan,
  rollOut,
  type StepTimes,
  stepTimes,
} from './roll-out.js';
