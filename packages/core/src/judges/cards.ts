import { TOY_ATTRIBUTES } from './attributes-seen.js';
import type { ReaderAccuracy } from './measure.js';
import type { JudgeRecipe } from './recipes.js';

interface Training {
  readonly recipe: JudgeRecipe;
  readonly minutes: number;
  /** Pictures that were measured with. */
  readonly heldOut: number;
}

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

const training = ({ recipe, minutes }: Training) =>
  `Trained by this project's native backend on ${recipe.pictures} pictures of as many random characters of the toy world ` +
  `(seed ${recipe.pictureSeed}; no look of ToyScape-20 among them): ${recipe.steps} steps of ${recipe.batchSize} pictures, ` +
  `AdamW, peak learning rate ${recipe.lr}, float32, ${minutes.toFixed(0)} minutes together with drawing the pictures. ` +
  'Weights are stored in bfloat16.';

/** Model card of the attribute reader. */
export function readerCard(
  of: Training & { clean: ReaderAccuracy; blurred: ReaderAccuracy; guessed: ReaderAccuracy },
): string {
  const { clean, blurred, guessed, heldOut, recipe } = of;
  const rows = TOY_ATTRIBUTES.map(
    (name) =>
      `| ${name} | ${[clean, blurred, guessed].map((of) => percent(of.attributes[name])).join(' | ')} |`,
  );
  return `# Attribute reader

Reads the attributes of toy-world pictures: one answer per attribute of look and scene. A small convolutional network on
128 × 128 pixels guesses; then the renderer of the toy world draws what was guessed, and one attribute after the other takes
the value whose drawing is nearest to the picture. It measures in evaluations and is never a reward: a policy would learn to
please it.

${training(of)} Pictures were shifted, mirrored, blurred and recoloured in training, because it reads generated pictures.

Accuracy on ${heldOut} pictures of other characters (seed ${recipe.pictureSeed + 1}) that show the attribute; "blurred" pictures were shrunk to
64 × 64 pixels and enlarged again; "guess" is the network alone on clean ones. Eyes count only where they are open. Some patterns
lie under clothes, which no reader can see.

| attribute | clean | blurred | guess |
| --- | --- | --- | --- |
${rows.join('\n')}
| **mean** | **${percent(clean.mean)}** | **${percent(blurred.mean)}** | **${percent(guessed.mean)}** |

Reproduce: \`npx unicharacter judges --only reader --out models\`.
`;
}

/** Model card of the nano CLIP. */
export function clipCard(of: Training & { retrieval: number; among: number }): string {
  const { retrieval, among, heldOut, recipe } = of;
  return `# Nano CLIP of the toy world

A CLIP in the published layout, small: pictures of 96 × 96 pixels and English of the toy world meet in 96 dimensions. It serves
as a reward of alignment, as features of pictures, and in evaluations.

${training(of)} Captions are worded anew in every step; a third name the character without its look.

It finds the picture of a caption among ${among} in ${percent(retrieval)} of cases (${heldOut} pictures of other characters, seed ${recipe.pictureSeed + 1}).

Reproduce: \`npx unicharacter judges --only clip --out models\`.
`;
}
