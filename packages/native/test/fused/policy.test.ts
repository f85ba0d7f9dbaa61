/** Ops of the policy update, adapters, dropout and flow targets: values, native against composed, gradients, leaks. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import * as tf from '../../lib/tfjs.mjs';
import { valueAndGrads } from '../../src/autodiff/index.js';
import { Phys } from '../../src/binding.js';
import { setStrict } from '../../src/counters.js';
import {
  dropout,
  flowInterpolate,
  flowSdeCoefficients,
  flowSdeLogProb,
  flowSdeStep,
  gaussianKl,
  grpoAdvantage,
  grpoLoss,
  loraLinear,
  loraScale,
  scaleColumns,
} from '../../src/ops/index.js';
import { philoxNormal, philoxUniform } from '../../src/ops/philox.js';
import { storedAs } from '../../src/ops/stored-as.js';
import { withAutocast } from '../../src/precision.js';
import { memoryStats, selectBackend } from '../../src/select-backend.js';
import { deviation } from '../support.js';

const as1 = (x: tf.Tensor | undefined) => x as tf.Tensor1D;
const as2 = (x: tf.Tensor | undefined) => x as tf.Tensor2D;
const draw = (shape: number[], stream: number) =>
  tf.tensor(philoxNormal(tf.util.sizeFromShape(shape), { seed: 3, stream, counter: 0 }), shape, 'float32');
const key = { seed: 11, stream: 5, counter: 2 ** 33 + 1 };

/** An op with one differentiable result; `shapes` are its inputs in order, `constants` those without a gradient. */
interface Case {
  name: string;
  shapes: number[][];
  constants?: number[];
  run: (x: tf.Tensor[]) => tf.Tensor;
}

const times = (samples: number) => ({
  t: Array.from({ length: samples }, (_, i) => (i === 0 ? 1 : 1 - 0.1 * i)),
  tNext: Array.from({ length: samples }, (_, i) => 0.9 - 0.1 * i),
  noiseLevel: Array.from({ length: samples }, (_, i) => (i % 3 === 2 ? 0 : 1.3)),
  tBarFallback: 0.95,
});

const cases: Case[] = [
  ...[1, 3, 1000, 70001].map(
    (n): Case => ({
      name: `grpoLoss [${n}]`,
      shapes: [[n], [n], [n]],
      constants: [1, 2],
      run: ([now, old, advantage]) => {
        const scaled = tf.mul(advantage!, 4) as tf.Tensor1D;
        const options = { clipLow: 0.2, clipHigh: 0.4, advantageClip: 5 };
        return grpoLoss(as1(tf.mul(now!, 0.3)), as1(tf.mul(old!, 0.3)), scaled, options).loss;
      },
    }),
  ),
  ...[
    [1, 1, 1],
    [3, 5, 7],
    [2, 129, 64],
  ].flatMap(([samples, tokens, channels]): Case[] => {
    const shape = [samples!, tokens!, channels!];
    return [
      {
        name: `gaussianKl [${shape}]`,
        shapes: [shape, shape],
        constants: [1],
        run: ([mean, reference]) => gaussianKl(mean!, reference!, 2.5),
      },
      {
        name: `flowSdeLogProb [${shape}], log-probability`,
        shapes: [shape, shape, shape],
        constants: [0, 1],
        run: ([next, x, v]) => flowSdeLogProb(next!, x!, v!, times(samples!)).logProb,
      },
      {
        name: `flowSdeLogProb [${shape}], both results`,
        shapes: [shape, shape, shape],
        constants: [0, 1],
        run: ([next, x, v]) => {
          const { logProb, mean } = flowSdeLogProb(next!, x!, v!, times(samples!));
          return tf.add(mean, tf.reshape(logProb, [samples!, 1, 1]));
        },
      },
      {
        name: `flowInterpolate [${tokens},${channels}]`,
        shapes: [[tokens!, channels!], [tokens!, channels!], [tokens!]],
        constants: [2],
        run: ([clean, noise, t]) => {
          const { noised, velocity } = flowInterpolate(as2(clean), as2(noise), as1(tf.mul(t!, 0.25)));
          return tf.add(noised, tf.mul(velocity, 0.5));
        },
      },
    ];
  }),
  ...[
    [1, 1, 1, 1],
    [5, 17, 9, 3],
    [67, 33, 130, 8],
  ].flatMap(([m, k, n, r]): Case[] => [
    {
      name: `loraLinear ${m}x${k}x${n}, rank ${r}`,
      shapes: [
        [m!, k!],
        [n!, k!],
        [r!, k!],
        [n!, r!],
      ],
      constants: [1],
      run: ([x, w, a, b]) => loraLinear(x!, as2(w), null, as2(a), as2(b), 0.5),
    },
    {
      name: `loraLinear with bias 2x${m}x${k}x${n}, rank ${r}`,
      shapes: [[2, m!, k!], [n!, k!], [n!], [r!, k!], [n!, r!]],
      constants: [1, 2],
      run: ([x, w, bias, a, b]) => loraLinear(x!, as2(w), as1(bias), as2(a), as2(b), 2),
    },
  ]),
  ...[[1], [7, 3], [2, 90, 131]].flatMap((shape): Case[] => [
    {
      name: `scaleColumns [${shape}]`,
      shapes: [shape, [shape.at(-1)!]],
      run: ([x, factor]) => scaleColumns(x!, as1(factor), null),
    },
    {
      name: `scaleColumns with bias [${shape}]`,
      shapes: [shape, [shape.at(-1)!], [shape.at(-1)!]],
      constants: [2],
      run: ([x, factor, bias]) => scaleColumns(x!, as1(factor), as1(bias)),
    },
  ]),
  ...[[1], [7, 3], [40001]].map(
    (shape): Case => ({ name: `dropout [${shape}]`, shapes: [shape], run: ([x]) => dropout(x!, 0.3, key) }),
  ),
];

/** Result and input gradients of sum(result · weights), as host arrays; null for a constant. */
function evaluate(backend: 'cpu' | 'native', { shapes, run }: Case, bf16 = false) {
  selectBackend(backend);
  const variables = tf.tidy(() => shapes.map((shape, i) => tf.variable(draw(shape, i))));
  const found = valueAndGrads(() => {
    const y = withAutocast(bf16 ? 'bf16' : 'float32', () => run(variables));
    return { loss: tf.sum(tf.mul(y, draw(y.shape, 99))) as tf.Scalar, y };
  }, variables);
  const host = [found.aux.y, ...found.grads].map((x) => (x === null ? null : x.dataSync()));
  tf.dispose([variables, found.loss, found.aux.y]);
  tf.dispose(found.grads.filter((g) => g !== null));
  return host;
}

function compare(one: Case, bf16: boolean, tolerance: number): void {
  const native = evaluate('native', one, bf16);
  const composed = evaluate('cpu', one);
  native.forEach((values, i) => {
    const constant = i > 0 && (one.constants ?? []).includes(i - 1);
    expect(values === null, `part ${i} native`).toBe(constant);
    expect(composed[i] === null, `part ${i} composed`).toBe(constant);
    if (values === null) return;
    expect(values.length).toBe(composed[i]!.length);
    expect(deviation(values, composed[i]!), `part ${i}`).toBeLessThan(tolerance);
  });
}

beforeAll(() => selectBackend('native'));

describe.each(cases)('$name', (one) => {
  let before: number[];
  const held = () => {
    selectBackend('native');
    return [memoryStats().liveBytes, memoryStats().liveBuffers];
  };
  beforeEach(() => {
    evaluate('native', one);
    evaluate('cpu', one);
    before = [...held(), tf.memory().numTensors];
  });
  afterEach(() => expect([...held(), tf.memory().numTensors]).toEqual(before));

  test('float32, native against composed', () => compare(one, false, 1e-5));
  test('bf16 autocast', () => compare(one, true, 0.05));
  test('twice the same bits', () => expect(evaluate('native', one)).toEqual(evaluate('native', one)));

  test('gradient against differences', () => {
    selectBackend('native');
    const small = one.shapes.every((shape) => tf.util.sizeFromShape(shape) < 20000);
    if (!small) return;
    const [, ...gradients] = evaluate('native', one);
    const values = one.shapes.map((shape, i) => draw(shape, i));
    const weighted = (inputs: tf.Tensor[]) =>
      tf.tidy(() => {
        const y = one.run(inputs);
        const weights = draw(y.shape, 99).dataSync();
        return (y.dataSync() as Float32Array).reduce((sum, v, i) => sum + v * weights[i]!, 0);
      });
    const nudge = 2 ** -7;
    gradients.forEach((gradient, i) => {
      if (gradient === null) return;
      const at = Math.floor(gradient.length / 2);
      const moved = [1, -1].map((side) => {
        const host = Float32Array.from(values[i]!.dataSync());
        host[at] = host[at]! + side * nudge;
        return tf.tidy(() => weighted(values.map((x, j) => (j === i ? tf.tensor(host, x.shape) : x))));
      });
      const slope = (moved[0]! - moved[1]!) / (2 * nudge);
      expect(Math.abs(slope - gradient[at]!), `input ${i}`).toBeLessThan(0.02 * Math.max(1, Math.abs(slope)));
    });
    tf.dispose(values);
  });
});

/** Group statistics in float64, written out. */
function plainAdvantages(
  rewards: number[],
  groups: number[],
  scope: 'group' | 'global' | 'none',
  leaveOneOut: boolean,
) {
  const mean = (x: number[]) => x.reduce((s, v) => s + v, 0) / x.length;
  const std = (x: number[]) => Math.sqrt(mean(x.map((v) => (v - mean(x)) ** 2)));
  return rewards.map((r, i) => {
    const own = rewards.filter((_, j) => groups[j] === groups[i]);
    const rest = own.length > 1 ? (own.length * mean(own) - r) / (own.length - 1) : r;
    const centred = r - (leaveOneOut ? rest : mean(own));
    return centred / (scope === 'none' ? 1 : std(scope === 'group' ? own : rewards) + 1e-4);
  });
}

describe.each(['native', 'cpu'] as const)('grpoAdvantage on %s', (backend) => {
  beforeAll(() => selectBackend(backend));

  test.each(['group', 'global', 'none'] as const)('scope %s against float64', (scope) => {
    for (const [n, spread] of [
      [1, 1],
      [13, 4],
      [97, 12],
    ] as const) {
      for (const leaveOneOut of [false, true]) {
        // Ids with gaps (empty groups), of both signs, far apart.
        const groups = [...philoxUniform(n, key)].map((u) => (Math.floor(u * spread) - 2) * 715827882);
        const rewards = [...draw([n], 42).dataSync()];
        const { advantages, ...rest } = grpoAdvantage(
          tf.tensor1d(rewards),
          tf.tensor1d(
            groups.map((g) => g | 0),
            'int32',
          ),
          { scope, leaveOneOut },
        );
        const expected = plainAdvantages(
          rewards,
          groups.map((g) => g | 0),
          scope,
          leaveOneOut,
        );
        expect(deviation(advantages.dataSync(), expected)).toBeLessThan(backend === 'native' ? 2e-6 : 2e-4);
        expect(rest.groups.dataSync()[0]).toBe(new Set(groups.map((g) => g | 0)).size);
      }
    }
  });

  test('the same whether groups stand together or are scattered', () => {
    // Sizes 1 to 40, more samples than one thread takes at a time on the native backend.
    const sizes = Array.from({ length: backend === 'native' ? 1700 : 20 }, (_, g) => 1 + ((g * 7) % 40));
    const ids = sizes.flatMap((size, g) => new Array<number>(size).fill(3 * g - 50));
    const rewards = philoxNormal(ids.length, { ...key, stream: 9 });
    const order = ids.map((_, i) => i).sort((a, b) => ((a * 7919) % 104729) - ((b * 7919) % 104729));
    for (const scope of ['group', 'global', 'none'] as const) {
      const options = { scope, clip: 1.25, leaveOneOut: scope === 'none' };
      const together = grpoAdvantage(tf.tensor1d(rewards), tf.tensor1d(ids, 'int32'), options);
      const scattered = grpoAdvantage(
        tf.tensor1d(order.map((i) => rewards[i]!)),
        tf.tensor1d(
          order.map((i) => ids[i]!),
          'int32',
        ),
        options,
      );
      const values = together.advantages.dataSync();
      expect(
        deviation(
          scattered.advantages.dataSync(),
          order.map((i) => values[i]!),
        ),
      ).toBeLessThan(backend === 'native' ? 1e-6 : 1e-5);
      expect(Math.max(...values)).toBeCloseTo(1.25, 6);
      for (const { groups, zeroVarianceGroups } of [together, scattered]) {
        const ones = sizes.filter((size) => size === 1).length;
        expect([groups.dataSync()[0], zeroVarianceGroups.dataSync()[0]]).toEqual([sizes.length, ones]);
      }
    }
  });

  test('equal rewards and single samples give exactly 0 and are counted', () => {
    const rewards = tf.tensor1d([0.1, 0.1, 0.7, 0.3, 0.1, 0.5]);
    const result = grpoAdvantage(rewards, tf.tensor1d([7, 7, -1, 3, 7, 3], 'int32'));
    const values = [...result.advantages.dataSync()];
    for (const i of [0, 1, 2, 4]) expect(Math.abs(values[i]!)).toBe(0);
    expect(values[3]).toBeCloseTo(-0.1 / (0.1 + 1e-4), 4);
    expect([result.groups.dataSync()[0], result.zeroVarianceGroups.dataSync()[0]]).toEqual([3, 2]);
  });

  test('clip, empty input, NaN, mistakes', () => {
    const clipped = grpoAdvantage(tf.tensor1d([0, 0, 0, 0, 9]), tf.zeros([5], 'int32'), { clip: 1.5 });
    expect([...clipped.advantages.dataSync()].map((v) => Math.round(v * 1e3) / 1e3)).toEqual([
      -0.5, -0.5, -0.5, -0.5, 1.5,
    ]);
    const empty = grpoAdvantage(tf.tensor1d([]), tf.tensor1d([], 'int32'));
    expect([empty.advantages.size, empty.groups.dataSync()[0]]).toEqual([0, 0]);
    const broken = grpoAdvantage(tf.tensor1d([Number.NaN, 1, 2, 3]), tf.tensor1d([0, 0, 1, 1], 'int32'));
    const values = [...broken.advantages.dataSync()];
    expect(values.map(Number.isNaN)).toEqual([true, true, false, false]);
    expect(() => grpoAdvantage(tf.tensor1d([1]), tf.tensor1d([1, 2], 'int32'))).toThrow(/\[1\].*\[2\]/);
    expect(() => grpoAdvantage(tf.tensor1d([1]), tf.tensor1d([1], 'int32'), { epsilon: -1 })).toThrow(/-1/);
  });
});

test('advantages of many samples do not depend on how the groups are spread', () => {
  selectBackend('native');
  const n = 70000;
  const rewards = [...draw([n], 1).dataSync()];
  const groups = rewards.map((_, i) => i % 50);
  const { advantages } = grpoAdvantage(tf.tensor1d(rewards), tf.tensor1d(groups, 'int32'));
  const scattered = grpoAdvantage(
    tf.tensor1d(rewards),
    tf.tensor1d(
      groups.map((g) => g * 40000007),
      'int32',
    ),
  );
  expect(deviation(scattered.advantages.dataSync(), advantages.dataSync())).toBeLessThan(1e-6);
  const own = rewards.filter((_, i) => i % 50 === 17);
  const mean = own.reduce((s, v) => s + v, 0) / own.length;
  const std = Math.sqrt(own.reduce((s, v) => s + (v - mean) ** 2, 0) / own.length);
  expect(advantages.dataSync()[17]).toBeCloseTo((rewards[17]! - mean) / (std + 1e-4), 5);
});

describe.each(['native', 'cpu'] as const)('policy loss on %s', (backend) => {
  beforeAll(() => selectBackend(backend));

  test('inside, above and below the range', () => {
    const ratios = [1, 1.5, 1.5, 0.5, 0.5, 1.1];
    const advantages = [2, 2, -2, 2, -2, 9];
    const logs = tf.tensor1d(ratios.map(Math.log));
    const options = { clipLow: 0.2, clipHigh: 0.3, advantageClip: 5 };
    const result = grpoLoss(logs, tf.zeros([6]), tf.tensor1d(advantages), options);
    const expected = [-2, -2.6, 3, -1, 1.6, -5.5];
    expect(deviation(result.loss.dataSync(), expected)).toBeLessThan(1e-6);
    expect(result.clippedAbove.dataSync()[0]).toBeCloseTo(2 / 6, 6);
    expect(result.clippedBelow.dataSync()[0]).toBeCloseTo(2 / 6, 6);
    expect(result.kl).toBeNull();
    const gradient = tf.grad((x) =>
      tf.sum(grpoLoss(as1(x), tf.zeros([6]), tf.tensor1d(advantages), options).loss),
    )(logs);
    expect(deviation(gradient.dataSync(), [-2, 0, 3, -1, 0, -5.5])).toBeLessThan(1e-6);
  });

  test('divergence: value, total, gradient to the mean only', () => {
    const [mean, reference] = [tf.variable(draw([2, 3, 4], 1)), tf.variable(draw([2, 3, 4], 2))];
    const logs = tf.variable(tf.tensor1d([0.1, -0.2]));
    const run = () =>
      grpoLoss(logs, tf.tensor1d([0, 0]), tf.tensor1d([1, -1]), {
        clipLow: 0.5,
        clipHigh: 0.5,
        kl: { weight: 3, mean, referenceMean: reference, sigma: [2, 0] },
      });
    const { loss, policyLoss, kl } = run();
    const [a, b] = [mean.dataSync(), reference.dataSync()];
    let squares = 0;
    for (let i = 0; i < 12; i++) squares += (a[i]! - b[i]!) ** 2 / 12;
    expect(deviation(kl!.dataSync(), [squares / 8, 0])).toBeLessThan(1e-6);
    expect(loss.dataSync()[0]).toBeCloseTo(policyLoss.dataSync()[0]! + (3 * squares) / 8, 5);
    const { grads } = valueAndGrads(
      () => ({ loss: tf.sum(run().loss) as tf.Scalar }),
      [mean, reference, logs],
    );
    expect(grads[1]).toBeNull();
    const slope = grads[0]!.dataSync();
    expect(slope[5]).toBeCloseTo((3 * (a[5]! - b[5]!)) / 4 / 12, 6);
    expect(Math.abs(slope[20]!)).toBe(0);
    expect(deviation(grads[2]!.dataSync(), [-Math.exp(0.1), Math.exp(-0.2)])).toBeLessThan(1e-6);
  });

  test('empty vectors', () => {
    const none = tf.tensor1d([]);
    const result = grpoLoss(none, none, none, { clipLow: 0.2, clipHigh: 0.2 });
    expect([result.loss.size, result.clippedAbove.dataSync()[0]]).toEqual([0, 0]);
  });
});

test('check values of the specification for the stochastic step', () => {
  const table = [
    [1, -0.025, 8.221906, 1.3],
    [0.975, -0.027632, 8.118482, 1.349513],
    [0.947368, -0.030702, 5.515431, 0.966408],
    [0.916667, -0.034314, 4.311613, 0.798682],
    [0.882353, -0.038603, 3.560196, 0.699493],
    [0.84375, -0.04375, 3.020928, 0.631873],
    [0.8, -0.05, 2.6, 0.581377],
  ];
  // Grid of 15 values with shift 3.
  const grid = Array.from({ length: 15 }, (_, i) => 1 - i / 14).map((s) => (3 * s) / (1 + 2 * s));
  table.forEach(([t, delta, sigma, scale], i) => {
    expect(grid[i]).toBeCloseTo(t!, 6);
    expect(grid[i + 1]! - grid[i]!).toBeCloseTo(delta!, 6);
    const step = { t: grid[i]!, tNext: grid[i + 1]!, noiseLevel: 1.3, tBarFallback: grid[1]! };
    const found = flowSdeCoefficients(step);
    // The table was computed in float32, where 1 - t loses digits near 1.
    expect(found.sigma[0]).toBeCloseTo(sigma!, 4);
    expect(found.deviation[0]).toBeCloseTo(scale!, 4);
  });
  expect(() => flowSdeCoefficients({ t: 1, tNext: 0.9, noiseLevel: 1 })).toThrow(/tBarFallback/);
  expect(() => flowSdeCoefficients({ t: 0.5, tNext: 0.6, noiseLevel: 0 })).toThrow(/tNext 0.6/);
  expect(() => flowSdeCoefficients({ t: [0.5], tNext: 0.4, noiseLevel: 0 }, 2)).toThrow(/2 of them/);
});

describe.each(['native', 'cpu'] as const)('stochastic step on %s', (backend) => {
  beforeAll(() => selectBackend(backend));

  test('noise level 0 is the Euler step, from t = 1 too', () => {
    const [x, v, e] = [draw([5, 3], 1), draw([5, 3], 2), draw([5, 3], 3)];
    const { next, logProb } = flowSdeStep(x, v, e, { t: 1, tNext: 0.875, noiseLevel: 0 });
    const expected = [...x.dataSync()].map((value, i) => value - 0.125 * v.dataSync()[i]!);
    expect(deviation(next.dataSync(), expected)).toBeLessThan(1e-6);
    expect([...logProb.dataSync()].map(Math.abs)).toEqual([0]);
  });

  test('the log-probability of the step comes back from its result', () => {
    const shape = [3, 37, 5];
    const [x, v, e] = [draw(shape, 1), draw(shape, 2), draw(shape, 3)];
    const step = flowSdeStep(x, v, e, times(3));
    const again = flowSdeLogProb(step.next, x, v, times(3));
    if (backend === 'native') expect(again.logProb.dataSync()).toEqual(step.logProb.dataSync());
    expect(deviation(again.logProb.dataSync(), step.logProb.dataSync())).toBeLessThan(1e-6);
    expect(again.mean.dataSync()).toEqual(step.mean.dataSync());
    const squares = [...e.dataSync()].slice(0, 185).reduce((sum, value) => sum + value * value, 0);
    expect(step.logProb.dataSync()[0]).toBeCloseTo(-squares / 185 / 2, 4);
  });
});

test('dropout draws the numbers of its key on both backends', () => {
  const values = Array.from({ length: 1003 }, (_, i) => i + 1);
  const results = (['cpu', 'native'] as const).map((backend) => {
    selectBackend(backend);
    return [...dropout(tf.tensor1d(values), 0.25, key).dataSync()];
  });
  expect(results[1]).toEqual(results[0]);
  const uniform = philoxUniform(1003, key);
  expect(results[1]!.every((y, i) => (uniform[i]! < 0.25 ? y === 0 : y > 0))).toBe(true);
  expect(results[1]!.filter((y) => y === 0).length / 1003).toBeCloseTo(0.25, 1);
  expect([...dropout(tf.tensor1d([1, 2]), 0, key).dataSync()]).toEqual([1, 2]);
  expect(() => dropout(tf.tensor1d([1]), 1, key)).toThrow(/found 1/);
});

describe('loraLinear', () => {
  test('a bf16 base weight stays as it lies, its variable gets no gradient', () => {
    selectBackend('native');
    // A product under autocast gives a tensor stored as bf16.
    const w = withAutocast('bf16', () => tf.matMul(as2(draw([9, 4], 1)), as2(draw([4, 6], 2))));
    const base = tf.variable(w);
    const backend = tf.backend() as unknown as { physOf(x: tf.TensorInfo): number };
    expect(backend.physOf(base)).toBe(Phys.bf16);
    const [a, b] = [tf.variable(draw([2, 6], 3)), tf.variable(draw([9, 2], 4))];
    const x = draw([5, 6], 5);
    const { grads } = valueAndGrads(() => {
      const y = withAutocast('bf16', () => loraLinear(x, as2(base), null, as2(a), as2(b), 0.5));
      expect(backend.physOf(y)).toBe(Phys.bf16);
      return { loss: tf.sum(y) as tf.Scalar };
    }, [base, a, b]);
    expect(grads[0]).toBeNull();
    expect(grads.slice(1).map((g) => backend.physOf(g!))).toEqual([Phys.f32, Phys.f32]);
    expect(backend.physOf(base)).toBe(Phys.bf16);
  });

  test('columns scaled of what is stored as bf16 stay bf16, the gradient of the factor is float32', () => {
    selectBackend('native');
    const backend = tf.backend() as unknown as { physOf(x: tf.TensorInfo): number };
    const x = tf.variable(storedAs(draw([5, 6], 1), 'bfloat16'));
    const factor = tf.variable(draw([6], 2));
    const { grads } = valueAndGrads(() => {
      const y = scaleColumns(x, as1(factor), as1(draw([6], 3)));
      expect(backend.physOf(y)).toBe(Phys.bf16);
      return { loss: tf.sum(y) as tf.Scalar };
    }, [factor]);
    expect(backend.physOf(grads[0]!)).toBe(Phys.f32);
    const sums = tf.tidy(() => tf.sum(tf.cast(x, 'float32'), 0).dataSync());
    expect(deviation(grads[0]!.dataSync(), sums)).toBeLessThan(1e-6);
    expect(() => scaleColumns(x, as1(draw([5], 4)), null)).toThrow(/\[5,6\].*\[5\]/);
  });

  test('scale and mistakes', () => {
    expect([loraScale(128, 64), loraScale(16, 64, true)]).toEqual([2, 2]);
    expect(() => loraScale(1, 0)).toThrow(/found 0/);
    const [x, w, a, b] = [draw([2, 3], 1), draw([4, 3], 2), draw([2, 3], 3), draw([4, 1], 4)];
    expect(() => loraLinear(x, as2(w), null, as2(a), as2(b), 1)).toThrow(
      /a float32 \[2,3\], b float32 \[4,1\]/,
    );
  });
});

describe('strict mode', () => {
  beforeAll(() => setStrict(true));
  afterAll(() => setStrict(false));

  test('no op falls back to JavaScript', () => {
    selectBackend('native');
    const shape = [2, 3, 4];
    const inputs = [tf.fill(shape, 0.5), tf.fill(shape, 0.25), tf.fill([4], 0.5), tf.fill([3, 4], 1)];
    const [x, v, vector, rows] = inputs as [tf.Tensor, tf.Tensor, tf.Tensor1D, tf.Tensor2D];
    tf.tidy(() => {
      const step = flowSdeStep(x, v, x, times(2));
      flowSdeLogProb(step.next, x, v, times(2));
      grpoAdvantage(vector, tf.fill([4], 1, 'int32') as tf.Tensor1D);
      grpoLoss(vector, vector, vector, { clipLow: 0.1, clipHigh: 0.1 });
      grpoLoss(step.logProb, step.logProb, step.logProb, {
        clipLow: 0.1,
        clipHigh: 0.1,
        kl: { weight: 1, mean: x, referenceMean: v, sigma: 1 },
      });
      flowInterpolate(rows, rows, tf.fill([3], 0.5) as tf.Tensor1D);
      loraLinear(rows, rows, null, rows, tf.fill([3, 3], 1) as tf.Tensor2D, 1);
      dropout(rows, 0.5, key);
    });
    tf.dispose(inputs);
  });
});
