import { noGrad, type Precision, randomNormal, tf, withAutocast } from '@unicharacter/native';
import { type MarkerIds, packRow, sampleTokens, stageRow, type UnifiedModel } from '../model/index.js';
import { streams } from '../random/keyed-random.js';
import type { EncodedTask } from './task-encoder.js';
import { lossRows, StepMeans } from './task-means.js';

/** Time steps at which the error of each held-out picture is measured. */
const TIMES = [0.2, 0.5, 0.8];

/**
 * Losses on held-out samples: always the same noise at the same time steps, nothing dropped, so that two measurements
 * differ by the weights only.
 */
export class Validation {
  private readonly packs: { samples: EncodedTask[]; time: number }[];
  private readonly means: StepMeans;

  /** @param tokensPerPack a pack takes samples until it holds this many tokens */
  constructor(
    private readonly model: UnifiedModel,
    samples: readonly EncodedTask[],
    private readonly markers: MarkerIds,
    private readonly seed: number,
    tokensPerPack: number,
  ) {
    const drawn = samples.filter((sample) => lossRows(sample).mse > 0);
    const written = samples.filter((sample) => lossRows(sample).mse === 0);
    const at = (time: number, part: readonly EncodedTask[]) =>
      packed(part, tokensPerPack).map((pack) => ({ samples: pack, time }));
    this.packs = [...at(0, written), ...TIMES.flatMap((time) => at(time, drawn))];
    this.means = new StepMeans(this.packs.map((pack) => pack.samples.map(lossRows)));
  }

  /** `ce`, `ce/<task>` …, `mse`, `mse/<task>` … over all held-out samples. */
  measure(precision: Precision): Record<string, number> {
    let sums = new Float64Array(this.means.names.length);
    for (const [index, pack] of this.packs.entries()) {
      const parts = this.measurePack(pack, index, precision);
      sums = sums.map((sum, i) => sum + parts[i]!);
    }
    return Object.fromEntries(this.means.names.map((name, i) => [name, sums[i]!]));
  }

  private measurePack(
    { samples, time }: { samples: EncodedTask[]; time: number },
    index: number,
    precision: Precision,
  ): Float32Array {
    const row = packRow(
      samples.map((sample) => ({ sample })),
      this.model.config,
      this.markers,
    );
    const staged = stageRow(row, this.model.config);
    const means = this.means.pass(samples.map(lossRows));
    try {
      return noGrad(() =>
        tf.tidy(() => {
          const { tokenDim } = this.model.config.latent;
          const key = { seed: this.seed, stream: streams.validationNoise, counter: index };
          const noise = randomNormal([Math.max(1, row.latentPositions.length), tokenDim], key) as tf.Tensor2D;
          const inputs = { times: row.latentImages.map(() => time), noise };
          const { ce, mse } = withAutocast(precision, () => this.model.forwardTrain(staged, inputs));
          return means.parts(ce, mse).dataSync<'float32'>();
        }),
      );
    } finally {
      staged.dispose();
      means.dispose();
    }
  }
}

function packed(samples: readonly EncodedTask[], tokensPerPack: number): EncodedTask[][] {
  const packs: EncodedTask[][] = [];
  let room = 0;
  for (const sample of samples) {
    if (room <= 0) {
      packs.push([]);
      room = tokensPerPack;
    }
    packs.at(-1)!.push(sample);
    room -= sampleTokens(sample);
  }
  return packs;
}
