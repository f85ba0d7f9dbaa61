import { tf } from '@unicharacter/native';
import { scoped } from '../../../model/scoped.js';
import { ImageProcessor } from '../../../reward/pictures/image-processor.js';
import { readReferences } from '../../../reward/similarity/reference-pictures.js';
import { windowPenalty } from '../../../reward/similarity/similarity-window.js';
import { DinoModel } from '../../../reward/towers/dino/dino-model.js';
import { take, takeChannelsFirst } from '../../case.js';
import { channelsFirstBytes, decodeAll, pixelInput } from './pictures.js';
import type { RewardRunner } from './registry.js';

export const dinoPreprocessCase: RewardRunner = async (golden, entry) => {
  const processor = await ImageProcessor.load(golden.path('dino'));
  const { pictures } = await readReferences(golden.path(entry.inputs.reference_folder as string));
  const references = pictures.map(({ image }) => image);
  const generated = await decodeAll(golden, entry.inputs.generated as string[]);
  return {
    reference_order: pictures.map(({ name }) => name),
    reference_cropped_u8: channelsFirstBytes(references.map((image) => processor.crop(image))),
    generated_cropped_u8: channelsFirstBytes(generated.map((image) => processor.crop(image))),
    reference_pixel_values: takeChannelsFirst(processor.pixels(references)),
    generated_pixel_values: takeChannelsFirst(processor.pixels(generated)),
  };
};

export const dinoFeaturesCase: RewardRunner = async (golden, entry) => {
  const mode = entry.id.endsWith('scale_offset') ? 'scale_offset' : 'size';
  const dino = await DinoModel.load(golden.path('dino'), mode);
  const generated = pixelInput(golden, entry, 'generated_pixel_values');
  const references = pixelInput(golden, entry, 'reference_pixel_values');
  try {
    return scoped(() => {
      const states = dino.states(generated);
      const [features, ofReferences] = [dino.features(generated), dino.features(references)];
      const similarity = tf.matMul(features, ofReferences, false, true);
      const closest = Array.from(tf.max(similarity, 1).dataSync());
      const penalty = (high: number, low: number) => closest.map((s) => windowPenalty(s, { high, low }));
      const patches = (states.shape[1] - 1) ** 0.5;
      return {
        position_embeddings: take(tf.clone(dino.positions(patches, patches))),
        last_hidden_state_generated0: take(tf.slice(states, [0, 0, 0], [1, -1, -1])),
        generated_cls: take(tf.slice(states, [0, 0, 0], [-1, 1, -1])),
        generated_features: take(features),
        reference_features: take(ofReferences),
        similarity: take(similarity),
        max_similarity: closest,
        'penalty_0.9_0.5': penalty(0.9, 0.5),
        'penalty_0.9_0.3': penalty(0.9, 0.3),
      };
    });
  } finally {
    tf.dispose([generated, references]);
    dino.dispose();
  }
};

export const dinoHingeCase: RewardRunner = (_, { inputs }) => {
  const window = { high: inputs.threshold_high as number, low: inputs.threshold_low as number };
  return { penalty: (inputs.similarity as number[]).map((similarity) => windowPenalty(similarity, window)) };
};
