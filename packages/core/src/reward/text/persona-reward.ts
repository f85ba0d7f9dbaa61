import { RewardError, type TextRewardModel } from '../reward-model.js';
import type { PersonaClassifier } from './persona-classifier.js';

/**
 * Whether a reply sounds like its character: the classifier's probability of the character, in [0, 1]. Details:
 * `probability`, `likeliest`.
 */
export function personaReward(classifier: PersonaClassifier, name = 'persona'): TextRewardModel {
  const { characters } = classifier;
  return {
    name,
    provenance: classifier.provenance,
    async score(samples) {
      const scored = samples.map(({ character, reply }, i) => {
        const index = characters.indexOf(character);
        if (index < 0) {
          throw new RewardError(
            `${name}: sample ${i}: expected one of ${characters.map((c) => `"${c}"`).join(', ')}, found "${character}"`,
          );
        }
        const probabilities = classifier.probabilities(reply);
        const likeliest = characters[probabilities.indexOf(Math.max(...probabilities))]!;
        return { probability: probabilities[index]!, likeliest };
      });
      return { values: Float64Array.from(scored, ({ probability }) => probability), details: scored };
    },
    dispose: () => {},
  };
}
