/**
 * The part of AUTOMATIC1111's web API that image extensions of chat clients use. The addresses are those of that
 * program, which is why they are not below /v1.
 */
import { randomInt } from 'node:crypto';
import { type TSchema, Type } from '@fastify/type-provider-typebox';
import { answers, closed } from '../answers/answers.js';
import type { ShelvedCharacter } from '../character-shelf.js';
import { picturePng } from '../picture-store.js';
import { answerUnlessGone, type Serving } from '../serving.js';
import type { App } from './app.js';

const TxtToImageBody = Type.Object({
  prompt: Type.String({ minLength: 1, maxLength: 32_000 }),
  seed: Type.Optional(Type.Integer({ minimum: -1, maximum: Number.MAX_SAFE_INTEGER })),
  steps: Type.Optional(Type.Integer({ minimum: 2, maximum: 1000 })),
  cfg_scale: Type.Optional(Type.Number({ minimum: 1, maximum: 30 })),
  width: Type.Optional(Type.Integer({ minimum: 16, maximum: 4096 })),
  height: Type.Optional(Type.Integer({ minimum: 16, maximum: 4096 })),
  batch_size: Type.Optional(Type.Integer({ minimum: 1, maximum: 8 })),
  override_settings: Type.Optional(Type.Object({ sd_model_checkpoint: Type.Optional(Type.String()) })),
});

const OptionsBody = Type.Object({ sd_model_checkpoint: Type.Optional(Type.String()) });

const Nothing = closed({});
const SdModel = closed({
  title: Type.String(),
  model_name: Type.String(),
  hash: Type.Null(),
  sha256: Type.Null(),
  filename: Type.String(),
  config: Type.Null(),
});
const Sampler = closed({ name: Type.String(), aliases: Type.Array(Type.String()), options: Nothing });
const Scheduler = closed({ name: Type.String(), label: Type.String() });
const Chosen = closed({ sd_model_checkpoint: Type.String() });
const Progress = closed({
  progress: Type.Number({ minimum: 0, maximum: 1 }),
  eta_relative: Type.Number(),
  state: Nothing,
});
const Drawn = closed({
  images: Type.Array(Type.String()),
  /** What was asked for. */
  parameters: Type.Object({}),
  /** JSON with prompt, seed, all_seeds and sampler_name. */
  info: Type.String(),
});

/** The one way of sampling there is, under the name that clients offer in their menus. */
const SAMPLER = 'Euler';

export function a1111Routes(app: App, serving: Serving): void {
  const { shelf } = serving;
  let wanted: ShelvedCharacter | undefined;
  const chosen = (): ShelvedCharacter => wanted ?? shelf.find(undefined);
  const described = (response: TSchema, ...failures: (404 | 504)[]) => ({
    tags: ['sdapi'],
    response: answers(response, ...failures),
  });

  const model = ({ id, name }: ShelvedCharacter) => ({
    title: id,
    model_name: name,
    hash: null,
    sha256: null,
    filename: id,
    config: null,
  });
  app.get('/sdapi/v1/sd-models', { schema: described(Type.Array(SdModel)) }, async () =>
    shelf.list().map(model),
  );
  app.get('/sdapi/v1/samplers', { schema: described(Type.Array(Sampler)) }, async () => [
    { name: SAMPLER, aliases: [], options: {} },
  ]);
  app.get('/sdapi/v1/schedulers', { schema: described(Type.Array(Scheduler)) }, async () => [
    { name: 'automatic', label: 'Automatic' },
  ]);
  for (const list of ['upscalers', 'latent-upscale-modes', 'sd-vae']) {
    app.get(`/sdapi/v1/${list}`, { schema: described(Type.Array(Nothing)) }, async () => []);
  }
  app.get('/sdapi/v1/options', { schema: described(Chosen, 404) }, async () => ({
    sd_model_checkpoint: chosen().id,
  }));
  app.post(
    '/sdapi/v1/options',
    { schema: { ...described(Nothing, 404), body: OptionsBody } },
    async ({ body }) => {
      if (body.sd_model_checkpoint) wanted = shelf.find(body.sd_model_checkpoint, 'sd_model_checkpoint');
      return {};
    },
  );

  let progress = 0;
  const running = new Set<AbortController>();
  app.get('/sdapi/v1/progress', { schema: described(Progress) }, async () => ({
    progress,
    eta_relative: 0,
    state: {},
  }));
  app.post('/sdapi/v1/interrupt', { schema: described(Nothing) }, async () => {
    for (const controller of running) controller.abort(new Error('interrupted'));
    return {};
  });

  app.post(
    '/sdapi/v1/txt2img',
    { schema: { ...described(Drawn, 404, 504), body: TxtToImageBody } },
    async (request, reply) => {
      const { prompt, steps, cfg_scale: cfg, width, height, batch_size: batch = 1, ...rest } = request.body;
      const named = rest.override_settings?.sd_model_checkpoint;
      const character = named ? shelf.find(named, 'override_settings.sd_model_checkpoint') : chosen();
      const seed = rest.seed === undefined || rest.seed < 0 ? randomInt(2 ** 31) : rest.seed;
      const options = Object.fromEntries(
        Object.entries({ steps, cfg, width, height }).filter(([, value]) => value !== undefined),
      );
      const controller = new AbortController();
      running.add(controller);
      return answerUnlessGone(reply, (gone) => {
        const signal = AbortSignal.any([gone, controller.signal]);
        return serving.generate(reply, character, signal, async (engine) => {
          const images: string[] = [];
          for (let index = 0; index < batch; index++) {
            const onStep = (done: number, all: number): void => {
              progress = (index + done / all) / batch;
            };
            const { image } = await engine.imagine({
              prompt,
              seed: seed + index,
              ...options,
              onStep,
              signal,
            });
            images.push((await picturePng(image)).toString('base64'));
          }
          const info = {
            prompt,
            seed,
            all_seeds: images.map((_, index) => seed + index),
            sampler_name: SAMPLER,
          };
          return { images, parameters: request.body, info: JSON.stringify(info) };
        });
      }).finally(() => {
        running.delete(controller);
        progress = 0;
      });
    },
  );
}
