import { setStrict, tf, valueAndGrads } from '@unicharacter/native';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tiny, useStrictNative, wave } from '../../test/tiny-model.js';
import { solidImage } from '../image/index.js';
import { imageLatents } from './encode-image.js';
import { FlowVae } from './flow-vae.js';
import { latentsToTokens, tokensToLatents } from './latent-tokens.js';

describe('FlowVae', () => {
  let vae: FlowVae;
  beforeAll(() => {
    useStrictNative();
    vae = FlowVae.init(tiny.vae, 2);
  });
  afterAll(() => {
    vae.dispose();
    setStrict(false);
  });

  it('encodes to an eighth and decodes back, and leaves no tensor behind', () => {
    const before = tf.memory().numTensors;
    const pixels = tf.tensor4d(wave(2 * 24 * 16 * 3), [2, 24, 16, 3]);
    const { mean, logvar } = vae.encode(pixels);
    expect(mean.shape).toEqual([2, 3, 2, 16]);
    expect(logvar.shape).toEqual([2, 3, 2, 16]);
    const scaled = vae.scaled(mean);
    const decoded = vae.decode(scaled);
    expect(decoded.shape).toEqual([2, 24, 16, 3]);
    tf.dispose([pixels, mean, logvar, scaled, decoded]);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('decode undoes the scaling of the latent space', () => {
    const shifted = { ...tiny.vae, scale: 0.3611, shift: 0.1159 };
    const other = FlowVae.init(shifted, 2);
    tf.tidy(() => {
      const latent = tf.tensor4d(wave(2 * 2 * 16), [1, 2, 2, 16]);
      const raw = other.decodeRaw(latent).dataSync();
      const round = other.decode(other.scaled(latent)).dataSync();
      round.forEach((value, i) => {
        expect(value).toBeCloseTo(raw[i] as number, 4);
      });
    });
    other.dispose();
  });

  it('has gradients for every weight', () => {
    const named = [...vae.variables()];
    const pixels = tf.tensor4d(wave(16 * 16 * 3), [1, 16, 16, 3]);
    const { loss, grads } = valueAndGrads(
      () => {
        const posterior = vae.encode(pixels);
        const eps = tf.tensor4d(wave(2 * 2 * 16, 0.5), [1, 2, 2, 16]);
        const decoded = vae.decodeRaw(vae.sample(posterior, eps));
        return { loss: tf.mean(tf.squaredDifference(decoded, pixels)) as tf.Scalar };
      },
      named.map(([, variable]) => variable),
    );
    grads.forEach((grad, i) => {
      const [name, variable] = named[i] as (typeof named)[number];
      expect(grad?.shape, name).toEqual(variable.shape);
      expect(grad?.dataSync().every(Number.isFinite), name).toBe(true);
    });
    tf.dispose([pixels, loss, ...grads.filter((g) => g !== null)]);
  });
});

describe('latent tokens', () => {
  beforeAll(useStrictNative);
  afterAll(() => setStrict(false));

  it('order (y, x, channel) inside a token and tokens in raster order', () => {
    tf.tidy(() => {
      // Value = 100·row + 10·column + channel, 4 × 6 cells of 2 channels.
      const cells = Array.from(
        { length: 4 * 6 * 2 },
        (_, i) => 100 * Math.floor(i / 12) + 10 * (Math.floor(i / 2) % 6) + (i % 2),
      );
      const latents = tf.tensor4d(cells, [1, 4, 6, 2]);
      const tokens = latentsToTokens(latents, 2);
      expect(tokens.shape).toEqual([6, 8]);
      expect(Array.from(tokens.slice([4, 0], [1, 8]).dataSync())).toEqual([
        220, 221, 230, 231, 320, 321, 330, 331,
      ]);
      expect(Array.from(tokensToLatents(tokens, 2, 3, 2).dataSync())).toEqual(cells);
    });
  });

  it('of a picture are the scaled posterior', () => {
    const config = { ...tiny, vae: { ...tiny.vae, scale: 2, shift: 0.25 } };
    const vae = FlowVae.init(config.vae, 9);
    const picture = solidImage(32, 16, [200, 40, 90]);
    const { rows, columns, means, deviations } = imageLatents(picture, vae, config);
    expect([rows, columns, means.shape, deviations.shape]).toEqual([1, 2, [2, 64], [2, 64]]);
    const pixels = tf.tensor4d(
      Float32Array.from(picture.data, (v) => v / 127.5 - 1),
      [1, 16, 32, 3],
    );
    const posterior = vae.encode(pixels);
    expect(means.dataSync()[0]).toBeCloseTo(2 * ((posterior.mean.dataSync()[0] as number) - 0.25), 5);
    expect(deviations.dataSync()[0]).toBeCloseTo(
      2 * Math.exp(0.5 * (posterior.logvar.dataSync()[0] as number)),
      5,
    );
    tf.dispose([means, deviations, pixels, posterior.mean, posterior.logvar]);
    vae.dispose();
  });
});
