import type { TrainConfig } from '../../config/index.js';
import type { Character } from '../../data/index.js';
import {
  alignmentReward,
  BlipModel,
  ClipModel,
  type CompositeReward,
  compositeReward,
  DinoModel,
  describedReward,
  dinoFeatures,
  diversityReward,
  featureDistance,
  LpipsModel,
  lpipsDistance,
  type RewardModel,
  type RewardSample,
  similarityReward,
  thumbnailFeatures,
  vqaReward,
} from '../../reward/index.js';
import type { Tokenizer } from '../../tokenizer/index.js';
import type { Policy } from './open-policy.js';
import { ownVqaReward } from './own-vqa-reward.js';

/**
 * The rewards that a configuration asks for. Networks are read where folders are named. Without them, questions are answered
 * by the model itself, and pictures are compared by the colours of their thumbnails; alignment and identity have no such
 * stand-in and are left out.
 * @returns the reward, and what it consists of in words
 */
export async function imageRewards(
  config: TrainConfig,
  character: Pick<Character, 'description'>,
  policy: Pick<Policy, 'model' | 'reference'>,
  tokenizer: Tokenizer,
): Promise<{ reward: CompositeReward<RewardSample>; description: string }> {
  const { rewards } = config.grpo;
  const { clip, blipVqa, lpips, dino } = rewards;
  const terms: { model: RewardModel; weight: number; by: string }[] = [];
  const add = (weight: number, by: string, model: RewardModel) => terms.push({ model, weight, by });
  try {
    if (rewards.vqa > 0) {
      const judge = blipVqa === undefined ? undefined : vqaReward(await BlipModel.load(blipVqa));
      add(
        rewards.vqa,
        judge ? 'BLIP' : 'the model itself',
        judge ?? ownVqaReward(policy, tokenizer, config.precision),
      );
    }
    const textual = rewards.alignment > 0 || rewards.identity > 0;
    if (textual && clip !== undefined) {
      const alignment = alignmentReward(await ClipModel.load(clip));
      add(rewards.alignment, 'CLIP', alignment);
      const look = rewards.look ?? firstSentence(character.description);
      if (rewards.identity > 0) add(rewards.identity, 'CLIP', describedReward(alignment, look, 'identity'));
    }
    if (rewards.diversity > 0) {
      const credit = rewards.diversityCredit === 'image' ? 'per_image_mean_to_others' : 'group_mean';
      const distance = lpips === undefined ? undefined : lpipsDistance(await LpipsModel.load(lpips));
      const judge = diversityReward(distance ?? featureDistance(thumbnailFeatures()), { credit });
      add(rewards.diversity, distance ? 'LPIPS' : 'thumbnails', judge);
    }
    if (rewards.similarity > 0) {
      const features = dino === undefined ? undefined : dinoFeatures(await DinoModel.load(dino));
      const window = { low: rewards.similarityLow, high: rewards.similarityHigh };
      const judge = similarityReward(features ?? thumbnailFeatures(), window);
      add(rewards.similarity, features ? 'DINOv2' : 'thumbnails', judge);
    }
    const parts = terms
      .filter(({ weight }) => weight > 0)
      .map(({ model: { name }, weight, by }) => `${weight} ${name} (${by})`);
    const without = textual && clip === undefined;
    const missing = without ? '; no alignment or identity, because grpo.rewards.clip names no network' : '';
    return { reward: compositeReward(terms), description: `rewards: ${parts.join(', ')}${missing}` };
  } catch (error) {
    for (const { model: judge } of terms) judge.dispose();
    throw error;
  }
}

/** Where a profile says what its character looks like; a CLIP reads no more than a few sentences. */
function firstSentence(text: string): string {
  return /^.*?[.!?](?=\s|$)/s.exec(text.trim())?.[0] ?? text;
}
