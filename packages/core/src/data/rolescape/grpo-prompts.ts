/** Reads the prompt files of Character-GRPO (spec 7.1). */

import type { Origin } from '../character.js';
import { checked, originOf, problemAt, readJsonLines } from '../source.js';
import { GrpoRow } from './schemas.js';

/** A question that the visual-question reward asks about a generated picture. */
export interface RewardQuestion {
  question: string;
  answer: string;
  weight: number;
  isNegative: boolean;
  type?: string;
  category?: string;
  choices?: string[];
}

export interface GrpoPrompt {
  prompt: string;
  character: string;
  sceneId: string;
  /** Folder of the reference pictures, relative to the `flow_grpo` folder of the data set. */
  referenceImages?: string;
  questions: RewardQuestion[];
  origin: Origin;
}

/**
 * Reads `<U>_pure_t2i.jsonl` or `<U>_pure_t2i_with_vqa.jsonl`, one prompt per line, blank lines skipped. Repeated
 * prompts and questions are kept: what they should count is the reward's decision.
 * @throws DataError naming the line
 */
export async function readGrpoPrompts(file: string): Promise<GrpoPrompt[]> {
  const sources = await readJsonLines(file);
  return sources.map((source) => {
    const row = checked(GrpoRow, source);
    const prompt = row.text ?? row.prompt;
    if (prompt === undefined) {
      const found = `only ${Object.keys(row).join(', ')}`;
      throw problemAt(source, '', 'the field "text" or "prompt"', found, 'add the prompt of this line');
    }
    const questions = (row.vqa_questions ?? []).map(({ is_negative, ...question }) => ({
      ...question,
      isNegative: is_negative ?? false,
    }));
    return {
      prompt,
      character: row.character,
      sceneId: String(row.scene_id),
      ...(row.reference_images_path === undefined ? {} : { referenceImages: row.reference_images_path }),
      questions,
      origin: originOf(source, `line ${source.locate('')?.line ?? 1}`),
    };
  });
}
