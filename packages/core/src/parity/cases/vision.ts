import { tf, withAutocast } from '@unicharacter/native';
import { imageAttention } from '../../model/vision-tower.js';
import { type CaseRunner, inputsOf, take } from '../case.js';

/** Vision tower, connector and position table on packed images (spec 2.9). */
export const visionCase: CaseRunner = (golden, entry) => {
  const { vision } = golden.models.model;
  const source = inputsOf(golden, entry);
  const layout = imageAttention(Array.from(golden.read(source, 'seqlens')));
  try {
    return withAutocast(entry.regime, () =>
      tf.tidy(() => {
        const patches = golden.tensor<tf.Tensor2D>(source, 'patches');
        const positions = tf.tensor1d(golden.read(source, 'position_ids'), 'int32');
        const input = { patches, positions, layout };
        const embeddings = vision.embed(input);
        const encoded = vision.encode(embeddings, layout);
        const outputs = {
          connector_output: take(vision.connect(encoded)),
          llm_input: take(vision.tokens(input)),
          vit_output: take(encoded),
        };
        return { outputs: entry.regime === 'bf16' ? outputs : { ...outputs, embeddings: take(embeddings) } };
      }),
    );
  } finally {
    layout.dispose();
  }
};
