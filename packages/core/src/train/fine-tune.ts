import { dirname, join } from 'node:path';
import type { TrainConfig } from '../config/index.js';
import { FlowVae, LoraAdapter, UnifiedModel } from '../model/index.js';
import { CharacterEngine } from '../run/character-engine.js';
import { loadRunModel, type RunModel } from '../run/run-model.js';
import { hashFiles } from '../tensor-io/content-hash.js';
import { type BaseModel, runModelConfig } from './base-model.js';
import { restoreOptimizer } from './checkpoint.js';
import { encodeOnce } from './encode-once.js';
import { type CacheSummary, EncodingCache } from './encoding-cache.js';
import { loraSettings } from './lora-settings.js';
import { PackSampler } from './pack-sampler.js';
import { asPrior } from './prior.js';
import type { Progress } from './progress.js';
import { SampleWriter } from './sample-writer.js';
import { loopContext, type Session } from './session.js';
import type { EncodedTask } from './task-encoder.js';
import { TrainedAdapter, TrainedModel } from './trained-weights.js';
import { drawnMix } from './training-data.js';
import { type LoopResult, trainStage } from './training-loop.js';
import type { Trained } from './training-stage.js';
import { UnifiedSftStage } from './unified-sft-stage.js';
import { Validation } from './validation.js';

/** Runs Unified-SFT from where the run stands. Pictures and texts are encoded once, before the first step. */
export async function fineTune(
  session: Session,
  progress: Progress,
  secondsBefore: number,
): Promise<LoopResult> {
  const { base, config, data, run } = session;
  const modelConfig = runModelConfig(run);
  const from = progress.stage === 'sft' ? progress.checkpoint : undefined;
  const vae = FlowVae.load(modelConfig.vae, run.vae, { trainable: 'none' });
  const { model, trained, dispose } = startingModel(session, from?.path);
  let stage: UnifiedSftStage | undefined;
  try {
    const cache = new EncodingCache(
      config.cache.folder ?? join(dirname(run.root), '.encoded'),
      config.cache.megabytes * 2 ** 20,
    );
    const encoders = {
      vae,
      vaeWeights: await hashFiles([run.vae]),
      tokenizer: base.tokenizer,
      config: modelConfig,
    };
    const encoded = (part: Session['data']['heldOut']) => encodeOnce(part, encoders, cache);
    const models = { model, vae, tokenizer: base.tokenizer };
    const source =
      data.stream?.({ ...models, config: modelConfig }) ??
      new PackSampler(await drawnSamples(data, encoded), drawnMix(data, config.sft), config.seed);
    const heldOut = await encoded(data.heldOut);
    const { special } = base.tokenizer;
    const engine = new CharacterEngine(data.character, models, config.generate);
    const writer = new SampleWriter(run, engine, config.samples, session.emit, 'sft');
    stage = new UnifiedSftStage(model, trained, source, special, config, {
      sample: (step) => writer.write(step),
      validation:
        heldOut.length > 0
          ? new Validation(model, heldOut, special, config.seed, config.sft.tokensPerPack)
          : undefined,
    });
    if (from) {
      restoreOptimizer(stage, from.path);
      stage.seek(progress.state!.position);
    }
    session.emit({
      type: 'stage',
      stage: 'sft',
      steps: stage.steps,
      message: `learning to talk and to draw (${describeTrained(trained)}; ${describeCache(cache.tidy())})`,
    });
    const before = { secondsBefore, score: (from && progress.state?.score) ?? null };
    return await trainStage(stage, from, loopContext(session, run.checkpoints, before));
  } finally {
    stage?.dispose();
    dispose();
    vae.dispose();
  }
}

/** The samples of the character and the general ones, encoded. */
async function drawnSamples(
  data: Session['data'],
  encoded: (part: Session['data']['heldOut']) => Promise<EncodedTask[]>,
): Promise<EncodedTask[]> {
  const own = await encoded({ samples: data.samples, pictures: await data.pictures() });
  return [...own, ...asPrior(data.prior ? await encoded(data.prior) : [])];
}

/** What was encoded and what was there already, in words. */
function describeCache({ found, made, damaged, notStored, bytes }: CacheSummary): string {
  const parts = [
    `encoded: ${made} new, ${found} from the cache`,
    ...(damaged > 0 ? [`${damaged} damaged and made anew`] : []),
    ...(notStored === undefined ? [] : [`not stored: ${notStored}`]),
    `cache ${(bytes / 2 ** 20).toFixed(1)} MiB`,
  ];
  return parts.join(', ');
}

/** Does Unified-SFT train an adapter on this base? `auto` does where the base has weights. */
export function trainsAdapter(
  { mode }: TrainConfig['sft']['train'],
  { weights }: Pick<BaseModel, 'weights'>,
): boolean {
  return mode === 'lora' || (mode === 'auto' && weights !== undefined);
}

/** The model at the beginning of the stage or at a checkpoint, and what of it is trained. */
function startingModel(
  { base, config, run }: Session,
  checkpoint: string | undefined,
): { model: UnifiedModel; trained: Trained; dispose: () => void } {
  const modelConfig = runModelConfig(run);
  const { mode, parts, lora } = config.sft.train;
  const usesAdapter = trainsAdapter(config.sft.train, base);
  const loaded: RunModel | undefined =
    checkpoint || base.weights
      ? loadRunModel(modelConfig, {
          base: base.folder,
          checkpoints: checkpoint ? [checkpoint] : [],
          means: false,
          // Beside an adapter the base is frozen: it stays on disk as it is stored.
          trainable: usesAdapter ? 'none' : 'all',
        })
      : undefined;
  const model = loaded?.model ?? UnifiedModel.init(modelConfig, config.seed);
  if (!usesAdapter) {
    const trained = new TrainedModel(model, mode === 'parts' ? parts : undefined);
    return { model, trained, dispose: () => (loaded ?? model).dispose() };
  }
  const adapter =
    loaded?.adapter ?? LoraAdapter.fresh(loraSettings(lora), model.adapterTargets(), config.seed);
  model.useAdapter(adapter);
  return {
    model,
    trained: new TrainedAdapter(adapter, base.folder),
    dispose: () => {
      adapter.dispose();
      model.dispose();
    },
  };
}

/** What is trained, in words. */
export function describeTrained({ variables }: Trained): string {
  const count = [...variables.values()].reduce((sum, { size }) => sum + size, 0);
  return `${(count / 1e6).toPrecision(3)} M weights are trained`;
}
