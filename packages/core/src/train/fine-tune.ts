import { join } from 'node:path';
import { FlowVae, UnifiedModel } from '../model/index.js';
import { CharacterEngine } from '../run/character-engine.js';
import { runModelConfig } from './base-model.js';
import { restoreOptimizer } from './checkpoint.js';
import { encodePictures } from './picture-encoder.js';
import type { Progress } from './progress.js';
import { SampleWriter } from './sample-writer.js';
import { loopContext, type Session } from './session.js';
import { encodeTasks } from './task-encoder.js';
import { type LoopResult, trainStage } from './training-loop.js';
import { MODEL_FILE, UnifiedSftStage } from './unified-sft-stage.js';

/** Runs Unified-SFT from where the run stands. Pictures and texts are encoded once, before the first step. */
export async function fineTune(
  session: Session,
  progress: Progress,
  secondsBefore: number,
): Promise<LoopResult> {
  const { base, config, data, run } = session;
  const modelConfig = runModelConfig(run);
  const from = progress.stage === 'sft' ? progress.checkpoint : undefined;
  const weights = from ? join(from.path, MODEL_FILE) : base.weights;
  const vae = FlowVae.load(modelConfig.vae, run.vae);
  const model = weights
    ? UnifiedModel.load(modelConfig, weights)
    : UnifiedModel.init(modelConfig, config.seed);
  let stage: UnifiedSftStage | undefined;
  try {
    const pictures = await encodePictures(data.pictures, vae, modelConfig);
    const samples = encodeTasks(data.samples, base.tokenizer, pictures);
    const engine = new CharacterEngine(
      data.character,
      { model, vae, tokenizer: base.tokenizer },
      config.generate,
    );
    const writer = new SampleWriter(run, engine, config.samples, session.emit);
    stage = new UnifiedSftStage(model, samples, base.tokenizer.special, config, (step) => writer.write(step));
    if (from) {
      restoreOptimizer(stage, from.path);
      stage.seek(progress.state!.position);
    }
    session.emit({
      type: 'stage',
      stage: 'sft',
      steps: stage.steps,
      message: 'learning to talk and to draw',
    });
    return await trainStage(stage, from?.step ?? 0, loopContext(session, run.checkpoints, secondsBefore));
  } finally {
    stage?.dispose();
    model.dispose();
    vae.dispose();
  }
}
