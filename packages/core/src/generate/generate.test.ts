import { tf } from '@unicharacter/native';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { disposeTinyModels, expectNoLeaks, tiny, tinyModels, tokenizer } from '../../test/tiny-model.js';
import { ownTemplates } from '../data/index.js';
import { fitSize, type ResizeRule, solidImage } from '../image/index.js';
import { emptyContext, feedTokens, inferLogits } from '../model/index.js';
import type { CompatibilitySetting } from './compatibility.js';
import { disposeContexts, type GenerationModels, readRequest, textItemIds } from './contexts.js';
import { answer, draw, questionAbout } from './requests.js';
import { drawReply, replyRequest } from './role-play.js';
import { generateText } from './scheduler.js';
import { AbortedError } from './turns.js';

let models: GenerationModels;
beforeAll(() => {
  models = tinyModels();
  models.model
    .variables()
    .get('llm2vae.weight')
    ?.assign(tf.randomNormal([64, 32], 0, 0.2, 'float32', 1) as tf.Tensor2D);
});
expectNoLeaks();
afterAll(() => disposeTinyModels(models));

describe('generateText', () => {
  it('feeds begin marker and own tokens, streams what it returns, and never answers ids without a token', async () => {
    const context = emptyContext(models.model);
    const parts: string[] = [];
    const options = { maxTokens: 9, temperature: 50, seed: 4, onToken: (part: string) => parts.push(part) };
    const { text, ids, finish } = await generateText(models.model, context, tokenizer, options);
    expect(finish).toBe('length');
    expect(ids).toHaveLength(9);
    expect(ids.every((id) => id < tokenizer.size)).toBe(true);
    expect(parts.join('')).toBe(text);
    expect(text).toBe(tokenizer.decode(ids, { skipSpecial: true }));
    // The last id has been answered but not read.
    expect(context.length).toBe(9);
    context.dispose();
    const again = emptyContext(models.model);
    expect((await generateText(models.model, again, tokenizer, options)).ids).toEqual(ids);
    again.dispose();
  });

  it('stops at the end marker without answering it', async () => {
    const head = models.model.variables().get('language_model.lm_head.weight') as tf.Variable;
    const before = head.clone();
    const scratch = emptyContext(models.model);
    const hidden = tf.tidy(() => feedTokens(models.model, scratch, [tokenizer.special.bos]).dataSync());
    scratch.dispose();
    const pushed = before.dataSync().slice();
    pushed.set(
      hidden.map((h) => 10 * h),
      tokenizer.special.eos * tiny.llm.hiddenSize,
    );
    const raised = tf.tensor(pushed, head.shape);
    head.assign(raised);
    const context = emptyContext(models.model);
    const result = await generateText(models.model, context, tokenizer, { maxTokens: 5 });
    head.assign(before);
    tf.dispose([before, raised]);
    expect(result).toEqual({ text: '', ids: [], finish: 'stop' });
    expect(context.length).toBe(1);
    context.dispose();
  });

  it('stops when asked to', async () => {
    const stop = new AbortController();
    const request = answer(models, [{ kind: 'text', text: 'hello' }], {
      maxTokens: 50,
      temperature: 50,
      signal: stop.signal,
      onToken: () => stop.abort(),
    });
    await expect(request).rejects.toThrow(AbortedError);
  });
});

describe('readRequest', () => {
  const picture = solidImage(128, 128, [10, 200, 30]);

  it('forks the contexts of guidance as the published pipeline does', () => {
    const text = textItemIds(tokenizer, 'hello').length;
    const plain = readRequest(models, [{ kind: 'text', text: 'hello' }], { purpose: 'draw' });
    const sizes = ({ main, withoutText, withoutImages }: typeof plain) =>
      [main, withoutText, withoutImages].map(({ length, ropePosition }) => [length, ropePosition]);
    expect(sizes(plain)).toEqual([
      [text, text],
      [0, 0],
      [text, text],
    ]);
    expect(plain.imageSize).toBeNull();
    disposeContexts(plain);

    const system = textItemIds(tokenizer, 'think').length;
    const thinking = readRequest(models, [{ kind: 'text', text: 'hello' }], {
      purpose: 'draw',
      system: 'think',
    });
    expect(sizes(thinking)).toEqual([
      [system + text, system + text],
      [system, system],
      [system + text, system + text],
    ]);
    disposeContexts(thinking);

    // 64 latent tokens and 81 patches, each with two markers and one position.
    const edit = readRequest(
      models,
      [
        { kind: 'image', image: picture },
        { kind: 'text', text: 'hello' },
      ],
      { purpose: 'draw' },
    );
    expect(sizes(edit)).toEqual([
      [66 + 83 + text, 2 + text],
      [66 + 83, 2],
      [text, text],
    ]);
    expect(edit.imageSize).toEqual({ width: 128, height: 128 });
    disposeContexts(edit);

    const question = readRequest(
      models,
      [
        { kind: 'image', image: picture },
        { kind: 'text', text: 'hello' },
      ],
      { purpose: 'answer' },
    );
    expect(sizes(question)[0]).toEqual([83 + text, 1 + text]);
    disposeContexts(question);
  });

  it('lets what follows depend on the picture that was shown', () => {
    const logitsAfter = (shown: typeof picture) => {
      const contexts = readRequest(models, [{ kind: 'image', image: shown }], { purpose: 'answer' });
      const logits = tf.tidy(() =>
        inferLogits(models.model, feedTokens(models.model, contexts.main, [7])).dataSync(),
      );
      disposeContexts(contexts);
      return logits;
    };
    const green = logitsAfter(picture);
    expect(logitsAfter(picture)).toEqual(green);
    const red = logitsAfter(solidImage(128, 128, [250, 0, 120]));
    expect(Math.hypot(...red.map((value, i) => value - (green[i] as number)))).toBeGreaterThan(1e-4);
  });

  it('reads a picture before the question about it', async () => {
    const asked = await answer(models, questionAbout(picture, 'who is it'), { maxTokens: 3 });
    const items = [{ kind: 'image', image: picture } as const, { kind: 'text', text: 'who is it' } as const];
    expect(asked).toEqual(await answer(models, items, { maxTokens: 3 }));
  });
});

describe('draw', () => {
  const request = [{ kind: 'text', text: 'a fox' }] as const;

  it('draws the same picture for the same seed, of the size asked for', async () => {
    const steps: number[] = [];
    const options = {
      width: 64,
      height: 48,
      steps: 4,
      seed: 3,
      onStep: (done: number, all: number) => steps.push(done, all),
    };
    const { image, thought } = await draw(models, request, options);
    expect([image.width, image.height, thought]).toEqual([64, 48, null]);
    expect(steps).toEqual([1, 3, 2, 3, 3, 3]);
    const again = await draw(models, request, options);
    expect(Buffer.from(again.image.data).equals(Buffer.from(image.data))).toBe(true);
    const other = await draw(models, request, { ...options, seed: 4 });
    expect(Buffer.from(other.image.data).equals(Buffer.from(image.data))).toBe(false);
  });

  it('thinks first when asked to', async () => {
    const think = { system: ownTemplates.imageSystem, text: { maxTokens: 4 } };
    const { thought } = await draw(models, request, { width: 32, height: 32, steps: 2, think });
    expect(typeof thought).toBe('string');
  });

  it('stops when asked to', async () => {
    const stop = new AbortController();
    const drawing = draw(models, request, {
      width: 32,
      height: 32,
      steps: 9,
      signal: stop.signal,
      onStep: () => stop.abort(),
    });
    await expect(drawing).rejects.toThrow(AbortedError);
  });

  it('refuses a size below one latent token', async () => {
    await expect(draw(models, request, { width: 8, height: 64 })).rejects.toThrow(/at least 16 pixels/);
  });
});

describe('role-play', () => {
  const scene = { name: 'Olmo', description: 'A small owl.', opening: 'Hoo.', user: 'Where are you?' };

  it('asks for a reply with the picture first, then the prompt', () => {
    const image = solidImage(32, 32, [1, 2, 3]);
    const text = `Character Description: A small owl.\n\nOpening: Hoo.\n\nUser Input: Where are you?\n\n${ownTemplates.reply('Olmo')}`;
    expect(replyRequest({ ...scene, image })).toEqual([
      { kind: 'image', image },
      { kind: 'text', text },
    ]);
  });

  it('plans the picture of a reply, then draws it', async () => {
    const options = { plan: { maxTokens: 3 }, image: { width: 32, height: 32, steps: 2 }, thinking: true };
    const { image, plan } = await drawReply(models, scene, 'Here.', options);
    expect([image.width, image.height]).toEqual([32, 32]);
    // An untrained model writes no plan in the expected form.
    expect(plan).toEqual({ thinking: '', instruction: '' });
    const plain = await drawReply(models, scene, 'Here.', { image: options.image });
    expect(plain.plan).toBeNull();
    expect(plain.image.data).not.toEqual(image.data);
  });
});

describe('compatibility with the reference', () => {
  const wide = solidImage(96, 48, [200, 30, 90]);
  const tokensOf = (compat: CompatibilitySetting) => {
    const contexts = readRequest(models, [{ kind: 'image', image: wide }], { purpose: 'answer', compat });
    const { length } = contexts.main;
    disposeContexts(contexts);
    return length;
  };
  const patches = (image: { width: number; height: number }, rule: ResizeRule) => {
    const { width, height } = fitSize(image.width, image.height, rule);
    return (width / 14) * (height / 14) + 2;
  };

  it('shows the tower the picture resized for the autoencoder, or the picture itself', () => {
    const { vae, vitInference, vitTraining } = tiny.images;
    expect(tokensOf('reference')).toBe(patches(fitSize(96, 48, vae), vitInference));
    expect(tokensOf('default')).toBe(patches(wide, vitTraining));
    expect(tokensOf({ doubleResize: true })).toBe(tokensOf('reference'));
  });

  it('draws condition latents at random, or reads their mean', () => {
    const keysOf = (options: { compat?: CompatibilitySetting; seed?: number }) => {
      const contexts = readRequest(models, [{ kind: 'image', image: wide }], { purpose: 'draw', ...options });
      const { keys, values } = contexts.main.read(0);
      const found = Array.from(keys.dataSync());
      tf.dispose([keys, values]);
      disposeContexts(contexts);
      return found;
    };
    const random = { randomPosterior: true };
    expect(keysOf({ seed: 1 })).toEqual(keysOf({ seed: 2 }));
    expect(keysOf({ compat: random, seed: 1 })).toEqual(keysOf({ compat: random, seed: 1 }));
    expect(keysOf({ compat: random, seed: 1 })).not.toEqual(keysOf({ compat: random, seed: 2 }));
  });
});

describe('prefill', () => {
  it('logits of a prompt do not depend on how it was cut', () => {
    const ids = textItemIds(tokenizer, 'the owl sits in the tree');
    const whole = emptyContext(models.model);
    const cut = emptyContext(models.model);
    const last = (context: typeof whole, tail: number[]) =>
      tf.tidy(() =>
        Array.from(
          inferLogits(models.model, feedTokens(models.model, context, tail))
            .dataSync()
            .slice(-2048),
        ),
      );
    const expected = last(whole, ids);
    feedTokens(models.model, cut, ids.slice(0, 5)).dispose();
    last(cut, ids.slice(5)).forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i] as number, 4);
    });
    whole.dispose();
    cut.dispose();
  });
});
