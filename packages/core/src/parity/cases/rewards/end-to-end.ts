import {
  alignmentReward,
  BlipModel,
  ClipModel,
  compositeReward,
  DinoModel,
  dinoFeatures,
  diversityReward,
  lpipsDistance,
  type RewardSample,
  similarityReward,
  vqaReward,
  type WeightedQuestion,
} from '../../../reward/index.js';
import type { StoredWeights } from './composite.js';
import { loadLpips } from './lpips.js';
import { floatImages } from './pictures.js';
import type { RewardRunner } from './registry.js';

/** The whole reward of the reference on one batch, through the rewards that training uses. */
export const endToEndCase: RewardRunner = async (golden, entry) => {
  const weights = entry.inputs.weights as StoredWeights;
  const prompts = entry.inputs.prompts as string[];
  const questions = entry.inputs.vqa_questions as WeightedQuestion[][];
  const samples = floatImages(golden, entry).map(
    (image, i): RewardSample => ({
      image,
      prompt: prompts[i]!,
      group: prompts.indexOf(prompts[i]!),
      questions: questions[i]!,
      references: golden.path(entry.inputs.reference_folder as string),
    }),
  );
  const window = { high: weights.dino_threshold_high!, low: weights.dino_threshold_low! };
  const dino = dinoFeatures(await DinoModel.load(golden.path('dino'), 'size'));
  const lpips = lpipsDistance(await loadLpips(golden));
  const reward = compositeReward([
    {
      model: vqaReward(await BlipModel.load(golden.path('blip-vqa')), { withoutQuestions: 'reference' }),
      weight: weights.vqa,
    },
    { model: alignmentReward(await ClipModel.load(golden.path('clip'))), weight: weights.clip_t },
    { model: diversityReward(lpips, { credit: 'group_mean' }), weight: weights.diversity_lpips },
    { model: similarityReward(dino, window), weight: weights.dino_penalty },
  ]);
  try {
    const { totals, parts } = await reward.score(samples);
    const details = (name: string) => parts[name]!.details;
    return {
      predicted_answers: details('vqa').map(({ answers }) =>
        (answers as { predicted: string }[]).map(({ predicted }) => predicted),
      ),
      vqa: parts.vqa!.values,
      clip_t: parts.clip_t!.values,
      diversity_lpips: parts.diversity_lpips!.values,
      dino_similarity: details('dino_penalty').map(({ similarity }) => similarity),
      dino_penalty: parts.dino_penalty!.values,
      total: totals,
    };
  } finally {
    reward.dispose();
  }
};
