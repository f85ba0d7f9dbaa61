import { basename, join } from 'node:path';
import { planEvaluation } from '../evaluate/index.js';
import { planRun, type StageEstimate } from '../train/index.js';
import { runOf, variantConfig } from './run-study.js';
import type { Study } from './study-file.js';

/** What a variant is going to take for one character. */
export interface StudyPlanRow {
  readonly variant: string;
  readonly character: string;
  /** Pictures that are trained on. */
  readonly pictures: number;
  /** Stages that are trained for this variant itself; none when it only has a prompt. */
  readonly stages: readonly StageEstimate[];
  /** Bytes at the fullest moment of training. */
  readonly memoryBytes: number;
  readonly seconds: number;
  /** Questions, replies and pictures of its evaluation. */
  readonly tasks: number;
}

/**
 * What a study would train and ask. Nothing is written; every option is checked, and the data of every character read.
 * @throws ConfigError, DataError, RunError … as the study itself would
 */
export async function planStudy(study: Study): Promise<StudyPlanRow[]> {
  const rows: StudyPlanRow[] = [];
  for (const data of study.characters) {
    for (const variant of study.variants) {
      const config = variantConfig(study, variant, data);
      const { pictures, estimate } = await planRun(config);
      const out = join(runOf(study, variant.name, data), 'evaluation');
      const tasks = await planEvaluation({ run: config.out, data, out, ...study.evaluation });
      const { stages, memoryBytes, seconds } = variant.promptOnly ? UNTRAINED : estimate;
      rows.push({
        variant: variant.name,
        character: basename(data),
        pictures: variant.promptOnly ? 0 : pictures,
        stages,
        memoryBytes,
        seconds,
        tasks: tasks.length,
      });
    }
  }
  return rows;
}

const UNTRAINED = { stages: [], memoryBytes: 0, seconds: 0 };
