import {
  checkpoint,
  linear,
  loraLinear,
  rmsNorm,
  rope,
  scaleColumns,
  swiglu,
  tf,
} from '@unicharacter/native';
import { type Expert, finalNormName, layerNames } from './checkpoint-names.js';
import type { LanguageModelConfig } from './config.js';
import type { LayerObserver } from './layer-streamer.js';
import { scoped } from './scoped.js';
import type { Linear, WeightStore } from './weight-store.js';

/**
 * Hidden states of one row as two contiguous slices, each [tokens, hidden] or absent: tokens of the understanding
 * expert first, tokens of the generation expert after. Rows are ordered this way once (see `pack-row.ts`), so that nothing
 * is gathered or scattered inside the layers.
 */
export interface ExpertSlices {
  readonly und: tf.Tensor2D | null;
  readonly gen: tf.Tensor2D | null;
}

/** q [T, heads, d], k and v [T, kvHeads, d], normed and rotated, understanding tokens first; answers [T, heads, d]. */
export type Attend = (layer: number, q: tf.Tensor3D, k: tf.Tensor3D, v: tf.Tensor3D) => tf.Tensor3D;

interface ExpertLayer {
  readonly q: Linear;
  readonly k: Linear;
  readonly v: Linear;
  readonly o: Linear;
  readonly gate: Linear;
  readonly up: Linear;
  readonly down: Linear;
  readonly qNorm: tf.Tensor1D;
  readonly kNorm: tf.Tensor1D;
  readonly inputNorm: tf.Tensor1D;
  readonly postNorm: tf.Tensor1D;
}

/** y = x·Wᵀ + b for x [..., in], with the low-rank update of the layer where it has one. */
export function project<T extends tf.Tensor>(x: T, { weight, bias, update }: Linear): T {
  if (update?.rows) {
    const changed = loraLinear(x, weight, null, update.a, update.b, update.scale);
    return scaleColumns(changed, update.rows.factor(weight, update), bias);
  }
  if (update) return loraLinear(x, weight, bias, update.a, update.b, update.scale);
  return (bias ? linear(x, weight, bias) : linear(x, weight)) as T;
}

const EXPERTS: readonly Expert[] = ['und', 'gen'];

/**
 * Qwen2 with a mixture of transformers: two experts per layer, routed by the kind of token, one attention for both
 * (spec 2.2 to 2.5).
 */
export class MotTransformer {
  /** Every projection of every layer by published name: what an adapter can update. */
  readonly projections: ReadonlyMap<string, Linear>;
  readonly #config: LanguageModelConfig;
  readonly #layers: Record<Expert, ExpertLayer>[];
  readonly #finalNorm: Record<Expert, tf.Tensor1D>;

  /** Told around each layer. */
  observer: LayerObserver | null = null;

  constructor(config: LanguageModelConfig, weights: WeightStore) {
    this.#config = config;
    const projections = new Map<string, Linear>();
    const vector = (name: string) => weights.tensor<tf.Tensor1D>(name);
    const projection = (name: string) => {
      const layer = weights.linear(name);
      projections.set(name, layer);
      return layer;
    };
    const expert = (index: number, kind: Expert): ExpertLayer => {
      const n = layerNames(index, kind);
      return {
        q: projection(n.q),
        k: projection(n.k),
        v: projection(n.v),
        o: projection(n.o),
        gate: projection(n.gate),
        up: projection(n.up),
        down: projection(n.down),
        qNorm: vector(n.qNorm),
        kNorm: vector(n.kNorm),
        inputNorm: vector(n.inputNorm),
        postNorm: vector(n.postNorm),
      };
    };
    this.#layers = Array.from({ length: config.layers }, (_, i) => ({
      und: expert(i, 'und'),
      gen: expert(i, 'gen'),
    }));
    this.projections = projections;
    this.#finalNorm = { und: vector(finalNormName('und')), gen: vector(finalNormName('gen')) };
  }

  /** The weights of an expert in a layer; none beyond the last layer. */
  layerWeights(index: number, expert: Expert): tf.Tensor[] {
    return Object.values(this.#layers[index]?.[expert] ?? {}).flatMap((part: Linear | tf.Tensor1D) =>
      'weight' in part ? [part.weight, ...(part.bias ? [part.bias] : [])] : [part],
    );
  }

  /**
   * All layers and the final norms.
   *
   * @param positions int32 [T] RoPE position of every token, understanding tokens first
   * @param recompute keep only each layer's input and run the layer again in the backward pass
   */
  forward(x: ExpertSlices, positions: tf.Tensor1D, attend: Attend, recompute = false): ExpertSlices {
    const experts = EXPERTS.filter((expert) => x[expert] !== null);
    let state = x;
    for (let i = 0; i < this.#layers.length; i++) {
      this.observer?.before(i, experts);
      const next = recompute
        ? this.#recomputedLayer(i, state, positions, attend)
        : this.#layer(i, state, positions, attend);
      this.observer?.after(i, experts);
      if (state !== x) {
        state.und?.dispose();
        state.gen?.dispose();
      }
      state = next;
    }
    return scoped(() => ({
      und: state.und && rmsNorm(state.und, this.#finalNorm.und, this.#config.normEps),
      gen: state.gen && rmsNorm(state.gen, this.#finalNorm.gen, this.#config.normEps),
    }));
  }

  #layer(index: number, x: ExpertSlices, positions: tf.Tensor1D, attend: Attend): ExpertSlices {
    const layer = this.#layers[index] as Record<Expert, ExpertLayer>;
    return scoped(() => {
      const rotated = this.#attentionInputs(layer, x, positions);
      const attended = attend(index, rotated.q, rotated.k, rotated.v);
      const flat = attended.reshape([attended.shape[0], -1]) as tf.Tensor2D;
      const heads = split(flat, x);
      const block = (expert: Expert): tf.Tensor2D | null => {
        const own = x[expert];
        const attention = heads[expert];
        if (!own || !attention) return null;
        const w = layer[expert];
        const middle = tf.add(own, project(attention, w.o)) as tf.Tensor2D;
        const h = rmsNorm(middle, w.postNorm, this.#config.normEps);
        return tf.add(middle, project(swiglu(project(h, w.gate), project(h, w.up)), w.down)) as tf.Tensor2D;
      };
      return { und: block('und'), gen: block('gen') };
    });
  }

  /** q, k, v of both experts in one tensor each: projections and q/k norms per expert, rotation for all. */
  #attentionInputs(layer: Record<Expert, ExpertLayer>, x: ExpertSlices, positions: tf.Tensor1D) {
    const { headDim, normEps, ropeTheta } = this.#config;
    const q: tf.Tensor3D[] = [];
    const k: tf.Tensor3D[] = [];
    const v: tf.Tensor3D[] = [];
    for (const expert of EXPERTS) {
      const own = x[expert];
      if (!own) continue;
      const w = layer[expert];
      const h = rmsNorm(own, w.inputNorm, normEps);
      const byHead = (y: tf.Tensor2D) => y.reshape([y.shape[0], -1, headDim]) as tf.Tensor3D;
      q.push(rmsNorm(byHead(project(h, w.q)), w.qNorm, normEps));
      k.push(rmsNorm(byHead(project(h, w.k)), w.kNorm, normEps));
      v.push(byHead(project(h, w.v)));
    }
    return {
      q: rope(join(q), positions, ropeTheta),
      k: rope(join(k), positions, ropeTheta),
      v: join(v),
    };
  }

  #recomputedLayer(index: number, x: ExpertSlices, positions: tf.Tensor1D, attend: Attend): ExpertSlices {
    const present = EXPERTS.filter((expert) => x[expert] !== null);
    const inputs = present.map((expert) => x[expert] as tf.Tensor2D);
    const whole = checkpoint((...slices: tf.Tensor[]) => {
      const at = (expert: Expert) => (slices[present.indexOf(expert)] as tf.Tensor2D | undefined) ?? null;
      const y = this.#layer(index, { und: at('und'), gen: at('gen') }, positions, attend);
      return join(present.map((expert) => y[expert] as tf.Tensor2D));
    }, inputs);
    return split(whole, x);
  }
}

function join<T extends tf.Tensor>(parts: readonly T[]): T {
  return parts.length === 1 ? (parts[0] as T) : (tf.concat(parts as T[], 0) as T);
}

/** Cuts rows [T, n] where `like` has its experts. */
function split(rows: tf.Tensor2D, like: ExpertSlices): ExpertSlices {
  if (!like.und || !like.gen) return { und: like.und && rows, gen: like.gen && rows };
  const cut = like.und.shape[0];
  return {
    und: tf.slice(rows, [0, 0], [cut, -1]),
    gen: tf.slice(rows, [cut, 0], [rows.shape[0] - cut, -1]),
  };
}
