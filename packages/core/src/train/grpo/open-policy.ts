import type { TrainConfig } from '../../config/index.js';
import {
  type Expert,
  FlowVae,
  isGenerationExpert,
  LoraAdapter,
  loadAdapter,
  type UnifiedModel,
} from '../../model/index.js';
import type { CheckpointFolder } from '../../run/run-folder.js';
import { loadRunModel } from '../../run/run-model.js';
import { runModelConfig } from '../base-model.js';
import { loraSettings } from '../lora-settings.js';
import type { Session } from '../session.js';
import { TrainError } from '../train-error.js';
import { TrainedAdapter, TrainedModel } from '../trained-weights.js';
import type { Trained } from '../training-stage.js';

/** A model that learns by policy gradients. */
export interface Policy {
  readonly model: UnifiedModel;
  readonly vae: FlowVae;
  readonly trained: Trained;
  /** The adapter (null: none) of the policy that the stage starts from; absent when its weights are overwritten. */
  readonly reference?: LoraAdapter | null;
  dispose(): void;
}

export interface PolicyOptions {
  readonly train: TrainConfig['grpo']['train'];
  /** Checkpoints of the stages that this one builds on, earliest first. */
  readonly earlier: readonly CheckpointFolder[];
  /** Checkpoint of this stage to go on from. */
  readonly checkpoint: string | undefined;
  /** Experts that the stage teaches: of an adapter only these are trained. */
  readonly experts: readonly Expert[];
}

/**
 * The policy of a stage after Unified-SFT. An adapter goes on as a copy of the one before it, or as a fresh one where there
 * was none; what was there before stays beside it as the reference, so that no second model is needed.
 */
export function openPolicy(session: Session, { train, earlier, checkpoint, experts }: PolicyOptions): Policy {
  const { base, config, run } = session;
  const modelConfig = runModelConfig(run);
  const before = earlier.flatMap((folder) => folder.latest()?.path ?? []);
  const byAdapter = learnsByAdapter(train);
  // Without an adapter, a checkpoint of this stage holds the whole model.
  const checkpoints = !byAdapter && checkpoint ? [...before, checkpoint] : before;
  const start = loadRunModel(modelConfig, {
    base: base.folder,
    checkpoints,
    means: checkpoints === before,
    // Beside an adapter the base is frozen: it stays on disk as it is stored.
    trainable: byAdapter ? 'none' : 'all',
  });
  const { model } = start;
  const owned: { dispose(): void }[] = [start];
  try {
    const vae = FlowVae.load(modelConfig.vae, run.vae);
    owned.push(vae);
    const dispose = () => {
      model.useAdapter(null);
      for (const part of owned.toReversed()) part.dispose();
    };
    if (!byAdapter) {
      if (start.adapter) {
        throw new TrainError(
          `${before.at(-1)} is an adapter, and train.mode ${train.mode} changes whole weights; use train.mode lora`,
        );
      }
      const trained = new TrainedModel(model, train.mode === 'parts' ? train.parts : undefined);
      checkExperts(trained, experts);
      return { model, vae, trained, dispose };
    }
    const adapter = checkpoint
      ? loadAdapter(checkpoint, model.adapterTargets())
      : (start.adapter?.copy() ??
        LoraAdapter.fresh(loraSettings(train.lora), model.adapterTargets(), config.seed));
    owned.push(adapter);
    model.useAdapter(adapter);
    const trained = new TrainedAdapter(adapter, base.folder, (name) => experts.includes(expertOf(name)));
    checkExperts(trained, experts);
    return { model, vae, trained, reference: start.adapter, dispose };
  } catch (error) {
    for (const part of owned.toReversed()) part.dispose();
    throw error;
  }
}

/** Does a stage after Unified-SFT train an adapter? `auto` always does: there is a model to go on from. */
export const learnsByAdapter = ({ mode }: PolicyOptions['train']): boolean =>
  mode === 'lora' || mode === 'auto';

const expertOf = (name: string): Expert => (isGenerationExpert(name) ? 'gen' : 'und');

/** @throws TrainError when nothing of an expert would be trained that the stage teaches */
function checkExperts({ variables }: Trained, experts: readonly Expert[]): void {
  const trained = new Set([...variables.keys()].map(expertOf));
  const missing = experts.find((expert) => !trained.has(expert));
  if (missing === undefined) return;
  throw new TrainError(
    `this stage teaches the ${missing === 'gen' ? 'generation' : 'understanding'} expert, and nothing of it would be trained; ` +
      `give train.lora.${missing} projections: those of sft where Unified-SFT trained an adapter, otherwise those of this stage`,
  );
}
