import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { selectBackend } from '@unicharacter/native';
import { loadModelConfig, saveAdapter, saveMerged } from '../model/index.js';
import { writeFolderAtomic } from '../run/atomic-write.js';
import { resolvedConfig } from '../run/resolved-config.js';
import { RunError } from '../run/run-error.js';
import { RunFolder, VAE_FILE } from '../run/run-folder.js';
import { baseWeights, loadRunModel, type RunModel } from '../run/run-model.js';
import { copyBaseFilesTo, copyInto } from './base-model.js';

/** File name of a whole model in the published layout. */
const PUBLISHED_MODEL = 'ema.safetensors';

export interface ExportOptions {
  /** Folder to make; must not exist or be empty. */
  readonly out: string;
  /** Write the whole model, with the adapter merged into its weights, instead of the adapter alone. */
  readonly merged: boolean;
  /** Number format of a whole model. Adapters are float32 always. */
  readonly dtype?: 'F32' | 'BF16';
}

export interface ExportSummary {
  readonly kind: 'adapter' | 'model';
  /** Files of the export, by name. */
  readonly files: readonly string[];
}

/**
 * Writes what a run has learnt for use elsewhere: the adapter under the names of PEFT, or the whole model in the layout of
 * the published weights (model, autoencoder, configuration and tokenizer), which can be the base of another run.
 *
 * @throws RunError when the run has no checkpoint, `out` is taken, or there is no adapter that stands by itself
 */
export function exportRun(dir: string, { out, merged, dtype = 'F32' }: ExportOptions): ExportSummary {
  const run = new RunFolder(dir);
  const { base } = resolvedConfig(run);
  if (existsSync(out) && readdirSync(out).length > 0) {
    throw new RunError(`${out}: expected a folder that is empty or does not exist yet; choose another one`);
  }
  const stages = [run.checkpoints, run.grpo, run.textGrpo].flatMap((stage) => stage.latest()?.path ?? []);
  if (stages.length === 0) throw new RunError(`${dir}: expected a trained run, found no checkpoint`);
  selectBackend('native');
  const loaded = loadRunModel(loadModelConfig(dir), { base, checkpoints: stages, means: true });
  try {
    if (merged) writeFolderAtomic(out, (folder) => writeModel(folder, run, loaded, dtype));
    else writeFolderAtomic(out, (folder) => writeAdapter(folder, loaded, base, dir));
    return { kind: merged ? 'model' : 'adapter', files: readdirSync(out).sort() };
  } finally {
    loaded.dispose();
  }
}

function writeModel(folder: string, run: RunFolder, { model }: RunModel, dtype: 'F32' | 'BF16'): void {
  copyBaseFilesTo(run.root, folder);
  copyInto(run.vae, join(folder, VAE_FILE));
  saveMerged(model, join(folder, PUBLISHED_MODEL), dtype);
}

function writeAdapter(folder: string, { adapter }: RunModel, base: string, dir: string): void {
  if (adapter && baseWeights(base)) {
    saveAdapter(folder, adapter, base);
    return;
  }
  const reason = adapter
    ? 'the adapter of this run belongs to weights of the run itself'
    : 'this run trained whole weights';
  throw new RunError(`${dir}: ${reason}; export it merged, as a whole model`);
}
