import { RewardError, type RewardScores, type Scorer } from './reward-model.js';

/** One reward and its weight in the total. */
export interface RewardTerm<Sample> {
  readonly model: Scorer<Sample>;
  /** At least 0; 0 switches the term off. */
  readonly weight: number;
}

export interface CompositeScores {
  /** [samples], float64: Σ weight · part */
  readonly totals: Float64Array;
  /** Scores of every term that is switched on, by its name, unweighted. */
  readonly parts: Readonly<Record<string, RewardScores>>;
}

/**
 * What a weight below 0 means. `reference`: the term is off, as in the reference. `default`: an error, because a term
 * that its author meant as a penalty would go missing without a word.
 */
export type CompositeCompat = 'default' | 'reference';

/** Several rewards as one. */
export interface CompositeReward<Sample> {
  /** Names and weights of the terms that are switched on, in order. */
  readonly weights: Readonly<Record<string, number>>;
  /** Provenance of each of these terms. */
  readonly provenance: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  score(samples: readonly Sample[]): Promise<CompositeScores>;
  /** Disposes the models of all terms, also of those that are switched off. */
  dispose(): void;
}

/**
 * The weighted sum of rewards, `R = Σ_{w_k > 0} w_k · r_k` (rewards specification §7). Terms are asked one after the
 * other, because their towers share one machine.
 *
 * @throws RewardError when a weight is negative or not finite, two terms share a name, or no term is left
 */
export function compositeReward<Sample>(
  terms: readonly RewardTerm<Sample>[],
  compat: CompositeCompat = 'default',
): CompositeReward<Sample> {
  for (const { model, weight } of terms) {
    if (Number.isFinite(weight) && (weight >= 0 || compat === 'reference')) continue;
    throw new RewardError(`reward "${model.name}": expected a weight of at least 0, found ${weight}`);
  }
  const active = terms.filter(({ weight }) => weight > 0);
  const names = active.map(({ model }) => model.name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new RewardError(`expected one reward named "${twice}", found several`);
  if (active.length === 0) {
    throw new RewardError(`expected a reward with a weight above 0, found ${terms.length} that are all off`);
  }
  return {
    weights: Object.fromEntries(active.map(({ model, weight }) => [model.name, weight])),
    provenance: Object.fromEntries(active.map(({ model }) => [model.name, model.provenance])),
    async score(samples) {
      const totals = new Float64Array(samples.length);
      const parts: Record<string, RewardScores> = {};
      for (const { model, weight } of active) {
        const scores = await model.score(samples);
        checkScores(model.name, scores, samples.length);
        for (let i = 0; i < totals.length; i++) totals[i]! += weight * scores.values[i]!;
        parts[model.name] = scores;
      }
      return { totals, parts };
    },
    dispose() {
      for (const { model } of terms) model.dispose();
    },
  };
}

function checkScores(name: string, { values, details }: RewardScores, samples: number): void {
  if (values.length !== samples || details.length !== samples) {
    throw new RewardError(
      `reward "${name}": expected ${samples} scores with details, found ${values.length} and ${details.length}`,
    );
  }
  const wrong = values.findIndex((value) => !Number.isFinite(value));
  if (wrong >= 0) {
    throw new RewardError(
      `reward "${name}": expected a finite score, found ${values[wrong]} for sample ${wrong}`,
    );
  }
}
