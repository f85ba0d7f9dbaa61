import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodePng, type RgbImage } from '../../image/index.js';
import { writeFileAtomic } from '../../run/atomic-write.js';
import type { Task, TaskResult } from './task.js';

/** What a task gave, before it is stored. */
export interface Outcome {
  readonly text?: string;
  readonly image?: RgbImage;
}

interface StoredResult {
  readonly model: string;
  readonly task: Task;
  readonly result: TaskResult;
}

/**
 * Results of an evaluation, one file each, so that an evaluation goes on where it was stopped. A result counts only for the
 * same task and the same weights.
 */
export class ResultStore {
  /** @param model fingerprint of the weights that are asked */
  constructor(
    readonly folder: string,
    private readonly model: string,
  ) {}

  /** The result of a task, if it is there. A damaged file has none. */
  find(task: Task): TaskResult | undefined {
    const path = this.#path(task);
    if (!existsSync(path)) return undefined;
    try {
      const stored = JSON.parse(readFileSync(path, 'utf8')) as StoredResult;
      const same = stored.model === this.model && JSON.stringify(stored.task) === JSON.stringify(task);
      const { picture } = stored.result;
      return same && (picture === undefined || existsSync(join(this.folder, picture)))
        ? stored.result
        : undefined;
    } catch {
      return undefined;
    }
  }

  /** Writes the picture, then the result that names it. */
  async add(task: Task, { text, image }: Outcome): Promise<TaskResult> {
    const picture = image && `pictures/${task.id}.png`;
    if (image && picture) writeFileAtomic(join(this.folder, picture), await encodePng(image));
    const result: TaskResult = {
      ...(text === undefined ? {} : { text }),
      ...(picture === undefined ? {} : { picture }),
    };
    const stored: StoredResult = { model: this.model, task, result };
    writeFileAtomic(this.#path(task), `${JSON.stringify(stored, null, 1)}\n`);
    return result;
  }

  #path({ id }: Task): string {
    return join(this.folder, 'items', `${id}.json`);
  }
}
