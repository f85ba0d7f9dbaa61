import { AttentionLayout, tf, valueAndGrads } from '@unicharacter/native';
import {
  type EncodedItem,
  type PackedRow,
  packRow,
  type SampleChoice,
  type StagedRow,
  stageRow,
} from '../../model/index.js';
import { attentionArrays } from '../../model/pack-row.js';
import { type CaseResult, type CaseRunner, concatenated, type Extra, type Outputs, take } from '../case.js';
import type { CaseEntry, Golden } from '../golden.js';

interface SamplePlan {
  readonly plan: readonly string[];
  readonly texts: readonly string[];
  readonly image_sizes_hw: readonly (readonly [number, number])[];
}

/** Packing, losses and gradients of one training row (spec 2.7, 2.8, 6.5, 6.6). */
export const trainCase: CaseRunner = (golden, entry) => {
  const plans = entry.inputs.samples as readonly SamplePlan[];
  const row = packRow(choices(golden, entry, plans), golden.config, golden.models.tokenizer.special);
  const { outputs, extras } = step(golden, entry, row);
  return {
    outputs: { ...textIds(golden, plans), ...packing(row), ...masks(row), ...outputs },
    extras: extras ?? [],
  };
};

/** Encodes the planned samples with the stored patches and latents; a dropped image has none of its own. */
function choices(golden: Golden, entry: CaseEntry, plans: readonly SamplePlan[]): SampleChoice[] {
  const { vit, latent } = golden.config;
  const patches = golden.read(entry, 'packed_vit_tokens') as Float32Array;
  const latents = storedLatents(golden, entry);
  const patchWidth = vit.patchSize ** 2 * vit.channels;
  let patchAt = 0;
  let latentAt = 0;
  return plans.map(({ plan, texts, image_sizes_hw: sizes }, index) => {
    let text = 0;
    let image = 0;
    const dropped = plan.map((what) => what.includes('dropped'));
    const items = plan.map((what, i): EncodedItem => {
      const loss = what.includes('(loss)');
      if (what.startsWith('text')) {
        return {
          kind: 'text',
          ids: golden.models.tokenizer.encode(texts[text++] as string),
          loss,
          droppable: false,
        };
      }
      const [height, width] = sizes[image++] as readonly [number, number];
      if (what.startsWith('vit')) {
        const rows = height / vit.patchSize;
        const columns = width / vit.patchSize;
        const end = patchAt + rows * columns * patchWidth;
        const own = patches.subarray(patchAt, end);
        patchAt = end;
        return { kind: 'vit', patches: own, rows, columns, droppable: false };
      }
      const rows = height / latent.pixels;
      const columns = width / latent.pixels;
      const own = dropped[i] ? new Float32Array(0) : latents(latentAt++, rows, columns);
      return { kind: 'vae', latents: own, rows, columns, loss, droppable: false };
    });
    return { sample: { id: `sample ${index}`, items }, dropped };
  });
}

/** Cuts the stored zero-padded latents [images, channels, H, W] to token layout. */
function storedLatents(golden: Golden, entry: CaseEntry) {
  const values = golden.read(entry, 'padded_latent');
  const [, channels, height, width] = golden.shape(entry, 'padded_latent') as [
    number,
    number,
    number,
    number,
  ];
  const { patch, tokenDim } = golden.config.latent;
  return (image: number, rows: number, columns: number): Float32Array =>
    Float32Array.from({ length: rows * columns * tokenDim }, (_, i) => {
      const token = Math.floor(i / tokenDim);
      const channel = i % channels;
      const cell = Math.floor((i % tokenDim) / channels);
      const y = Math.floor(token / columns) * patch + Math.floor(cell / patch);
      const x = (token % columns) * patch + (cell % patch);
      return values[((image * channels + channel) * height + y) * width + x] as number;
    });
}

function textIds(golden: Golden, plans: readonly SamplePlan[]): Outputs {
  const { tokenizer } = golden.models;
  return Object.fromEntries(
    plans.flatMap(({ texts }, sample) =>
      texts.map((text, i) => [`sample${sample}_text${i}_ids`, tokenizer.encode(text)]),
    ),
  );
}

/** The packing plan with row indexes, as the reference names it. */
function packing(row: PackedRow): Outputs {
  const inRow = (indexes: Int32Array, places: Int32Array) =>
    Array.from(places, (place) => indexes[place] as number);
  return {
    packed_text_ids: row.textIds,
    packed_text_indexes: row.textIndexes,
    packed_position_ids: row.positions,
    packed_vit_token_indexes: row.patchIndexes,
    packed_vit_position_ids: row.patchPositions,
    vit_token_seqlens: row.patchesPerImage,
    packed_vae_token_indexes: row.latentIndexes,
    packed_latent_position_ids: row.latentPositions,
    mse_loss_indexes: inRow(row.latentIndexes, row.mseRows),
    ce_loss_indexes: inRow(row.textIndexes, row.ceRows),
    packed_label_ids: row.ceLabels,
    ce_loss_weights: row.ceWeights,
    sample_lens: row.sampleLengths,
    split_lens: row.splitLengths,
    splits_per_sample: row.splitsPerSample,
    patchified_vae_latent_shapes: row.latentImages.flatMap(({ rows, columns }) => [rows, columns]),
  };
}

/** Dense attention masks of every sample in row order, from the attention layout in memory order. */
function masks(row: PackedRow): Outputs {
  const layout = new AttentionLayout(attentionArrays(row));
  const memory = new Int32Array(row.tokens);
  row.order.forEach((rowIndex, memoryIndex) => {
    memory[rowIndex] = memoryIndex;
  });
  const outputs: Record<string, number[]> = {};
  let start = 0;
  row.sampleLengths.forEach((length, sample) => {
    const allowed: number[] = [];
    for (let q = start; q < start + length; q++) {
      for (let k = start; k < start + length; k++) {
        allowed.push(layout.sees(memory[q] as number, memory[k] as number) ? 1 : 0);
      }
    }
    outputs[`attention_allowed_sample${sample}`] = allowed;
    start += length;
  });
  return outputs;
}

/** Forward and backward pass with the stored noise and time steps. */
function step(golden: Golden, entry: CaseEntry, row: PackedRow): CaseResult {
  const { model } = golden.models;
  const u = golden.read(entry, 'packed_timesteps');
  const t = Array.from(u, (value) => 1 / (1 + Math.exp(-value)));
  const times = row.latentImages.map((_, image) => t[row.latentImageOf.indexOf(image)] as number);
  const noise = golden.tensor<tf.Tensor2D>(entry, 'noise');
  const staged = stageRow(row, golden.config);
  const forward = intermediate(golden, staged, row, times, noise);

  const named = [...model.variables()].filter(([, variable]) => variable.trainable);
  const result = valueAndGrads(
    () => {
      const { ce, mse } = model.forwardTrain(staged, { times, noise });
      const ceLoss = tf.mean(ce as tf.Tensor1D);
      const mseLoss = tf.mean(mse as tf.Tensor1D);
      const loss = tf.add(mseLoss, tf.mul(ceLoss, 0.25)) as tf.Scalar;
      return { loss, ceLoss, mseLoss, ce: ce as tf.Tensor1D };
    },
    named.map(([, variable]) => variable),
  );
  const { ceLoss, mseLoss, ce } = result.aux;
  const perToken = take(ce);
  const weighted = perToken.reduce((sum, loss, i) => sum + loss * (row.ceWeights[i] as number), 0);
  const grads = new Map(named.map(([name, variable], i) => [name, gradientOf(result.grads[i], variable)]));
  staged.dispose();
  noise.dispose();
  const norms = [...grads].map(([name, grad]) => [name, Math.hypot(...norm(grad))] as const);
  return {
    outputs: {
      ...forward,
      t,
      ce_per_token: perToken,
      loss: take(result.loss),
      ce_loss: take(ceLoss),
      mse_loss: take(mseLoss),
      ce_loss_reweighted: [weighted / row.ceWeights.reduce((sum, w) => sum + w, 0)],
      ...storedGradients(golden, entry, grads),
      global_grad_norm: [Math.hypot(...norms.map(([, value]) => value))],
    },
    extras: gradientNorms(golden, entry, norms),
  };
}

const norm = (values: Float32Array) => [Math.sqrt(values.reduce((sum, value) => sum + value * value, 0))];

function gradientOf(grad: tf.Tensor | null | undefined, variable: tf.Variable): Float32Array {
  return grad ? take(grad) : new Float32Array(variable.size);
}

/** What enters and leaves the language model, in row order, and the errors of the velocity head. */
function intermediate(
  golden: Golden,
  staged: StagedRow,
  row: PackedRow,
  times: number[],
  noise: tf.Tensor2D,
): Outputs {
  const { model } = golden.models;
  return tf.tidy(() => {
    const { slices, velocity } = model.trainSequence(staged, { times, noise });
    const hidden = model.trainHidden(staged, slices);
    const inRowOrder = (x: typeof slices) => {
      const memory = concatenated([x.und, x.gen].map((part) => (part ? part.dataSync() : [])));
      const width = golden.config.llm.hiddenSize;
      const rows = new Float32Array(memory.length);
      row.order.forEach((to, from) => {
        rows.set(memory.subarray(from * width, (from + 1) * width), to * width);
      });
      return rows;
    };
    const targets = staged.latents?.targets as tf.Tensor1D;
    const predicted = model.velocities(tf.gather(hidden.gen as tf.Tensor2D, targets) as tf.Tensor2D);
    return {
      lm_input: inRowOrder(slices),
      last_hidden_state: inRowOrder(hidden),
      mse_elements: take(tf.squaredDifference(predicted, tf.gather(velocity as tf.Tensor2D, targets))),
    };
  });
}

/** Gradients that the case stores whole, or some rows of. */
function storedGradients(
  golden: Golden,
  entry: CaseEntry,
  grads: ReadonlyMap<string, Float32Array>,
): Outputs {
  const rowsOf: Readonly<Record<string, string>> = {
    'language_model.model.embed_tokens.weight': 'embedding_rows',
    'language_model.lm_head.weight': 'lm_head_rows',
    'vit_model.vision_model.embeddings.position_embedding.weight': 'vit_position_rows',
  };
  const outputs: Record<string, Float32Array> = {};
  for (const stored of Object.keys(entry.tensors)) {
    const [kind, ...rest] = stored.split('/');
    const name = rest.join('/');
    const grad = grads.get(name);
    if (!grad) continue;
    if (kind === 'grad') outputs[stored] = grad;
    if (kind === 'grad_rows') {
      const width = golden.shape(entry, stored)[1] as number;
      const rows = golden.read(entry, rowsOf[name] as string);
      outputs[stored] = concatenated(Array.from(rows, (r) => grad.subarray(r * width, (r + 1) * width)));
    }
  }
  return outputs;
}

/** The norm of every parameter's gradient against the JSON file of the case. */
function gradientNorms(
  golden: Golden,
  entry: CaseEntry,
  norms: readonly (readonly [string, number])[],
): Extra[] {
  const stored = golden.json<Record<string, number>>(entry.grad_norms_file as string);
  const own = new Map(norms);
  return Object.entries(stored).map(([name, value]) => ({
    name: `norm of grad/${name}`,
    own: [own.get(name) ?? Number.NaN],
    stored: [value],
    tolerance: { rtol: 1e-3, atol: 1e-6 },
  }));
}
