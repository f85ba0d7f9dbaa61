import type { CompositeReward, RewardSample } from '../../src/reward/index.js';

export function redness(): CompositeReward<RewardSample>;
