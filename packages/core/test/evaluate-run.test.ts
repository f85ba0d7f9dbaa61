import { existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { tf } from '@unicharacter/native';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config/index.js';
import { toyscapeCharacter, writeToyCharacter } from '../src/data/index.js';
import {
  type EvaluationOptions,
  evaluateRun,
  FAMILIES,
  type Judges,
  loadJudges,
  planEvaluation,
  writeEvaluationReports,
} from '../src/evaluate/index.js';
import { exportRun } from '../src/train/export-run.js';
import { trainCharacter } from '../src/train/index.js';
import { tinyOptions, tinyWorld } from './train/tiny-run.js';

let world: ReturnType<typeof tinyWorld>;
let judges: Judges;
let options: EvaluationOptions;

beforeAll(async () => {
  world = tinyWorld();
  for (const index of [0, 1]) await writeToyCharacter(world.root, toyscapeCharacter(index), 32);
  const run = join(world.root, 'alma');
  const data = join(world.root, 'data/personalized_data/train/Alma');
  await trainCharacter(
    loadConfig(undefined, { ...tinyOptions(world.base, run), data, 'sft.steps': 2, 'vae.steps': 2 }),
  );
  judges = await loadJudges({});
  options = {
    run,
    out: join(world.root, 'evaluation'),
    families: FAMILIES,
    imagesPerPrompt: 2,
    limit: 2,
    seed: 1,
  };
}, 60_000);
afterAll(() => {
  judges.dispose();
  rmSync(world.root, { recursive: true, force: true });
});

describe('the evaluation of a run', () => {
  it('asks everything once, scores it, and asks nothing again', async () => {
    const before = tf.memory().numTensors;
    const tasks = await planEvaluation(options);
    const kinds = (family: string) => tasks.filter((task) => task.family === family).length;
    expect(FAMILIES.map(kinds)).toEqual([4, 4, 4, 6, 2]);
    const reused: boolean[] = [];
    const first = await evaluateRun(options, judges, { onTask: (progress) => reused.push(progress.reused) });
    expect(reused).toEqual(tasks.map(() => false));
    expect(tf.memory().numTensors).toBe(before);
    const names = first.scores.map(({ name }) => name);
    expect(names).toEqual([
      'knowledge.exact',
      'knowledge.named',
      'knowledge.choice',
      'vqa.exact',
      'vqa.choice',
      'pictures.similarity',
      'pictures.diversity',
      'pictures.vendi',
      'pictures.nearest',
      'pictures.copied',
      'replies.recognised',
      'replies.markers',
      'replies.reference',
      'replies.distinct2',
      'consistency.claims',
    ]);
    const markers = first.scores.find(({ name }) => name === 'replies.markers');
    // A model of two steps has no style; the data's own replies have all of it.
    expect(markers).toMatchObject({ mean: 0, ceiling: 1, n: 8 });

    const again: boolean[] = [];
    const second = await evaluateRun(options, judges, { onTask: (progress) => again.push(progress.reused) });
    expect(again).toEqual(tasks.map(() => true));
    expect(second.scores).toEqual(first.scores);
  });

  it('asks again what is missing, damaged, or asked differently', async () => {
    rmSync(join(options.out, 'pictures/picture-0-1.png'));
    const fresh: string[] = [];
    await evaluateRun({ ...options, seed: 2, families: ['pictures'] }, judges, {
      onTask: ({ reused, task }) => (reused ? undefined : fresh.push(task.id)),
    });
    expect(fresh).toEqual(['picture-0-1', 'picture-0-2', 'picture-1-1', 'picture-1-2']);
    rmSync(join(options.out, 'pictures/picture-0-1.png'));
    fresh.length = 0;
    const evaluation = await evaluateRun({ ...options, seed: 2, families: ['pictures'] }, judges, {
      onTask: ({ reused, task }) => (reused ? undefined : fresh.push(task.id)),
    });
    expect(fresh).toEqual(['picture-0-1']);
    const files = writeEvaluationReports([evaluation], options.out);
    const page = readFileSync(files.html, 'utf8');
    expect(page.match(/data:image\/png;base64,/g)).toHaveLength(4);
    expect(page).not.toMatch(/src="(?!data:)/);
    expect(readFileSync(files.markdown, 'utf8')).toContain('| Memorisation: copies |');
  });

  it('stops between two tasks and keeps what it has', async () => {
    const out = join(world.root, 'stopped');
    const stop = new AbortController();
    const stopped = evaluateRun({ ...options, out, families: ['knowledge'] }, judges, {
      signal: stop.signal,
      onTask: ({ done }) => (done === 2 ? stop.abort() : undefined),
    });
    await expect(stopped).rejects.toMatchObject({ name: 'AbortError' });
    expect(existsSync(join(out, 'evaluation.json'))).toBe(false);
    const first = join(out, 'items/knowledge-open-001.json');
    const written = statSync(first).mtimeMs;
    const { scores } = await evaluateRun({ ...options, out, families: ['knowledge'] }, judges);
    expect(scores).toHaveLength(3);
    expect(statSync(first).mtimeMs).toBe(written);
  });

  it('asks a base model that has only the profile in its prompt', async () => {
    const base = join(world.root, 'exported');
    exportRun(options.run, { out: base, merged: true, dtype: 'F32' });
    const data = join(world.root, 'data/personalized_data/train/Alma');
    const before = tf.memory().numTensors;
    const out = join(world.root, 'prompt-only');
    const prompted = { ...options, run: base, promptOnly: true, data, out, limit: 1 };
    const evaluation = await evaluateRun(prompted, judges);
    expect(tf.memory().numTensors).toBe(before);
    expect(evaluation.finished.length).toBe((await planEvaluation(prompted)).length);
    const reused: boolean[] = [];
    await evaluateRun(prompted, judges, { onTask: (progress) => reused.push(progress.reused) });
    expect(new Set(reused)).toEqual(new Set([true]));
    const empty = { ...prompted, run: world.base };
    await expect(evaluateRun(empty, judges)).rejects.toThrow(
      `${world.base}: expected the folder of a pre-trained model, found no weights`,
    );
  });

  it('names the data that is not there', async () => {
    await expect(planEvaluation({ ...options, data: '/nowhere/Alma' })).rejects.toThrow(
      '/nowhere/Alma: expected the folder of the character that is evaluated, found nothing; name it with --data',
    );
  });
});
