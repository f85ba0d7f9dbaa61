import type { TrainConfig } from '../../config/index.js';
import { allDialogues, type Character, readCharacter } from '../../data/index.js';
import {
  type CompositeReward,
  compositeReward,
  lengthReward,
  personaReward,
  type RewardTerm,
  repetitionReward,
  type TextRewardSample,
  trainPersonaClassifier,
} from '../../reward/index.js';

/** Replies between these quantiles of the character's own lengths are as long as they should be. */
const USUAL = [0.1, 0.9] as const;

/**
 * The rewards of replies that a configuration asks for: a classifier of the character's own lines against those of others
 * (other characters where folders are named, otherwise the people who talk to the character), and the length and freedom
 * from repetition of the character's own lines.
 */
export async function textRewards(
  { textGrpo }: TrainConfig,
  character: Character,
): Promise<CompositeReward<TextRewardSample>> {
  const { persona, length, repetition, others } = textGrpo.rewards;
  const dialogues = allDialogues(character);
  const terms: RewardTerm<TextRewardSample>[] = [];
  if (persona > 0) {
    const lines = [
      ...dialogues.map(({ reply }) => ({ character: character.name, text: reply })),
      ...(others
        ? await linesOf(others)
        : dialogues.map(({ user }) => ({ character: 'others', text: user }))),
    ];
    terms.push({ model: personaReward(trainPersonaClassifier(lines)), weight: persona });
  }
  if (length > 0) {
    const lengths = dialogues.map(({ reply }) => reply.split(/\s+/).length).sort((a, b) => a - b);
    const [min, max] = USUAL.map((share) => lengths[Math.floor(share * (lengths.length - 1))]!) as [
      number,
      number,
    ];
    terms.push({ model: lengthReward({ min, max }), weight: length });
  }
  if (repetition > 0) terms.push({ model: repetitionReward(), weight: repetition });
  return compositeReward(terms);
}

async function linesOf(folders: readonly string[]): Promise<{ character: string; text: string }[]> {
  const characters = await Promise.all(folders.map(readCharacter));
  return characters.flatMap((other) =>
    allDialogues(other).map(({ reply }) => ({ character: other.name, text: reply })),
  );
}
