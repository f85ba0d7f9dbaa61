import type { TSchema } from 'typebox';
import { propertiesOf } from './describe-schema.js';

/** Names that other trainers use, simplified as {@link simplify} does, for options of ours. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  learningrate: 'lr',
  schedule: 'decay',
  lrscheduler: 'decay',
  minlearningrate: 'minLr',
  gradclip: 'clipNorm',
  maxgradnorm: 'clipNorm',
  dropout: 'conditionDropout',
  expectedtokens: 'tokensPerPack',
  maxtokens: 'tokensPerPack',
  tasks: 'mix',
  weights: 'mix',
  epochs: 'steps',
  iterations: 'steps',
  checkpointevery: 'checkpoints.every',
  saveevery: 'checkpoints.every',
  keepcheckpoints: 'checkpoints.keep',
  sampleevery: 'samples.every',
  prompts: 'samples.talk',
  gradientcheckpointing: 'activationCheckpointing',
  cfg: 'guidance.text',
  cfgtext: 'guidance.text',
  cfginterval: 'guidance.interval',
  dtype: 'precision',
  resolution: 'image.size',
  output: 'out',
  dataset: 'data',
  model: 'base',
};

/**
 * What an unknown option may have been meant to be: the most similar name of the same group, else options of that name
 * (or of a similar one) in other groups; `undefined` when nothing is close.
 *
 * @param path the unknown option, such as ['sft', 'stpes']
 * @param group the schema of the group it was found in
 */
export function suggestOption(path: readonly string[], group: TSchema, root: TSchema): string | undefined {
  const name = path.at(-1) ?? '';
  const prefix = path.slice(0, -1);
  const inGroup = mostSimilar(name, Object.keys(propertiesOf(group)));
  if (inGroup !== undefined) return [...prefix, inGroup].join('.');
  const everywhere = optionPaths(root);
  const lastName = (option: string) => option.slice(option.lastIndexOf('.') + 1);
  const meant = OTHER_NAMES[simplify(name)] ?? mostSimilar(name, everywhere.map(lastName));
  const candidates = everywhere.filter((option) => `.${option}`.endsWith(`.${meant}`));
  // An option of the same part of the configuration is likelier than its namesake elsewhere.
  const near = candidates.filter((option) => option.startsWith(`${prefix[0]}.`));
  const chosen = near.length > 0 ? near : candidates;
  return chosen.length === 0 ? undefined : chosen.slice(0, 3).join(' or ');
}

/** The candidate with the fewest typing mistakes, if few enough for the length of the word. */
export function mostSimilar(word: string, candidates: readonly string[]): string | undefined {
  const simplified = simplify(word);
  const most = Math.max(1, Math.floor(simplified.length / 3));
  let best: string | undefined;
  let fewest = most + 1;
  for (const candidate of candidates) {
    const mistakes = editDistance(simplified, simplify(candidate));
    if (mistakes < fewest) {
      fewest = mistakes;
      best = candidate;
    }
  }
  return best;
}

/** Case, `_` and `-` do not count as mistakes: `weight_decay` is `weightDecay`. */
function simplify(word: string): string {
  return word.toLowerCase().replaceAll(/[-_ ]/g, '');
}

/** Insertions, deletions, substitutions and swaps of neighbours that turn `a` into `b` (optimal string alignment). */
export function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      const substitute = (previous[j - 1] as number) + (same ? 0 : 1);
      let least = Math.min((previous[j] as number) + 1, (row[j - 1] as number) + 1, substitute);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        least = Math.min(least, (before[j - 2] as number) + 1);
      }
      row.push(least);
    }
    before = previous;
    previous = row;
  }
  return previous[b.length] as number;
}

/** Dotted paths of all options and groups below `schema`. */
function optionPaths(schema: TSchema, prefix = ''): string[] {
  return Object.entries(propertiesOf(schema)).flatMap(([name, option]) => [
    `${prefix}${name}`,
    ...optionPaths(option, `${prefix}${name}.`),
  ]);
}
