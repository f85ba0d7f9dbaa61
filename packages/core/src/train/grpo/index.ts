export { learnFromReplies } from './learn-from-replies.js';
export { learnFromRewards } from './learn-from-rewards.js';
