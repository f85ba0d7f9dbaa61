import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tf } from '@unicharacter/native';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config/index.js';
import { toyscapeCharacter, writeToyCharacter } from '../src/data/index.js';
import { ChatEndpoint } from '../src/endpoint/index.js';
import {
  type EvaluationOptions,
  evaluateRun,
  FAMILIES,
  type Judges,
  judgeRequests,
  loadJudges,
  planEvaluation,
  writeEvaluationReports,
} from '../src/evaluate/index.js';
import { exportRun } from '../src/train/export-run.js';
import { trainCharacter } from '../src/train/index.js';
import { says, standIn, wordsOf } from './chat-stand-in.js';
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
    expect(FAMILIES.map(kinds)).toEqual([4, 4, 4, 6, 2, 6]);
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
      'general.vqa',
      'general.style',
      'general.reference',
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
    // Other characters are asked about below.
    const families = FAMILIES.filter((family) => family !== 'general');
    const prompted = { ...options, families, run: base, promptOnly: true, data, out, limit: 1 };
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

  it('asks the base of a run the same about other characters, and shows what has changed', async () => {
    const base = join(world.root, 'exported');
    const run = join(world.root, 'tuned');
    const data = join(world.root, 'data/personalized_data/train/Alma');
    const full = { 'sft.steps': 2, 'sft.train.mode': 'full', 'sft.optimizer.lr': 0.05 };
    await trainCharacter(loadConfig(undefined, { ...tinyOptions(base, run), data, ...full }));
    const out = join(world.root, 'general');
    const compared: EvaluationOptions = { ...options, run, out, families: ['general'] };
    const asked: string[] = [];
    const before = tf.memory().numTensors;
    const {
      scores,
      finished,
      base: known,
    } = await evaluateRun(compared, judges, {
      onTask: ({ task, reused }) => asked.push(`${task.id}${reused ? ' kept' : ''}`),
    });
    expect(tf.memory().numTensors).toBe(before);
    const ids = [
      'general-picture-0',
      'general-question-0-1',
      'general-question-0-2',
      'general-reply-0-1',
      'general-reply-0-2',
      'general-picture-1',
    ];
    expect(asked).toEqual([...ids, ...ids]);
    expect([finished, known!.finished].map((of) => of.map(({ task }) => task.id))).toEqual([ids, ids]);
    const replies = (of: typeof finished) =>
      of.flatMap(({ task, result }) => (task.kind === 'general_reply' ? result.text : []));
    expect(replies(finished)).not.toEqual(replies(known!.finished));
    expect(scores.map(({ name }) => name)).toEqual(
      ['vqa', 'style', 'reference'].flatMap((name) => [
        `general.${name}`,
        `general.${name}.base`,
        `general.${name}.change`,
      ]),
    );
    const mean = (name: string) => scores.find((score) => score.name === `general.reference${name}`)!.mean;
    expect(mean('.change')).toBeCloseTo(mean('') - mean('.base'), 12);

    asked.length = 0;
    const again = await evaluateRun(compared, judges, { onTask: ({ reused }) => asked.push(String(reused)) });
    expect(new Set(asked)).toEqual(new Set(['true']));
    expect(again.scores).toEqual(scores);
    const page = readFileSync(writeEvaluationReports([again], out).html, 'utf8');
    expect(page.match(/data:image\/png;base64,/g)).toHaveLength(4);

    // The baseline with the profile in its prompt does not read that profile before it is somebody else; it says more.
    const plain = {
      ...compared,
      run: base,
      promptOnly: true,
      data,
      limit: 1,
      out: join(world.root, 'plain'),
    };
    const prompted = await evaluateRun(plain, judges);
    const [first] = replies(known!.finished);
    expect(replies(prompted.finished)[0]!.slice(0, first!.length)).toBe(first);
    rmSync(base, { recursive: true });
    await expect(evaluateRun(compared, judges)).rejects.toThrow(`${base}: expected the base model`);
  }, 60_000);

  it('has replies judged by a language model, by a rubric that can be changed', async () => {
    const out = join(world.root, 'judged');
    const verdict = (score: unknown) =>
      JSON.stringify(
        Object.fromEntries(['persona', 'style', 'knowledge'].map((name) => [name, { reason: 'So.', score }])),
      );
    // Likes what the data say, wherever it stands, and nothing else; its first verdicts are none.
    const server = await standIn((index, request) => {
      const words = wordsOf(request);
      const first = /First reply:\n(.*)/.exec(words)?.[1];
      if (first !== undefined) {
        const better = references.has(first) ? 'first' : 'second';
        return says(JSON.stringify({ reason: 'So.', better }));
      }
      if (index < 2) return says(verdict([6, '4'][index]));
      return says(verdict(references.has(/replies:\n(.*)/.exec(words)?.[1] ?? '') ? 5 : 2));
    });
    const endpoint = new ChatEndpoint({ url: server.url, model: 'judge' });
    const judged: EvaluationOptions = {
      ...options,
      out,
      families: ['replies'],
      judge: { endpoint, concurrency: 1 },
    };
    const references = new Set(
      (await planEvaluation(judged)).flatMap((task) => (task.kind === 'reply' ? (task.reference ?? []) : [])),
    );
    try {
      const { scores, judgements, judges: provenance } = await evaluateRun(judged, judges);
      // Six replies, two of which the data answer, too; two verdicts that were none.
      expect(server.requests).toHaveLength(6 + 2 * 2 + 2);
      expect(judgeRequests(await planEvaluation(judged))).toBe(10);
      expect(wordsOf(server.requests[1]!)).toContain('/persona/score must be <= 5');
      expect(scores.filter(({ name }) => name.startsWith('judge.'))).toMatchObject([
        { name: 'judge.persona', mean: 2, ceiling: 5, n: 6 },
        { name: 'judge.style', mean: 2, ceiling: 5, n: 6 },
        { name: 'judge.knowledge', mean: 2, ceiling: 5, n: 6 },
        { name: 'judge.wins', mean: 0, n: 2 },
      ]);
      expect(judgements![0]).toMatchObject({
        task: 'dialogue-1',
        scores: { persona: { reason: 'So.', score: 2 } },
        wins: 0,
      });
      expect(provenance.language).toMatchObject({ model: 'judge', url: server.url });
      expect(server.requests[0]!.messages[0]!.content).toContain('Alma is a tall pink rabbit');

      const again = await evaluateRun(judged, judges);
      expect(server.requests).toHaveLength(12);
      expect(again.scores).toEqual(scores);
      const files = writeEvaluationReports([again], out);
      expect(readFileSync(files.markdown, 'utf8')).toContain('| Judge: way of speaking (1 – 5) | 2.000 |');
      expect(readFileSync(files.html, 'utf8')).toContain('judge: persona 2: So.');

      const rubric = join(out, 'judge/rubric.yaml');
      writeFileSync(rubric, readFileSync(rubric, 'utf8').replace('Be strict and even', 'Be mild'));
      await evaluateRun(judged, judges);
      expect(server.requests).toHaveLength(22);
      writeFileSync(rubric, 'system: x\ncriteria: []\ncompare: y\n');
      await expect(evaluateRun(judged, judges)).rejects.toThrow(
        /rubric\.yaml:2:11 at \/criteria: expected at least 1 entries/,
      );
    } finally {
      server.close();
    }
  });

  it('names the data that is not there', async () => {
    await expect(planEvaluation({ ...options, data: '/nowhere/Alma' })).rejects.toThrow(
      '/nowhere/Alma: expected the folder of the character that is evaluated, found nothing; name it with --data',
    );
  });
});
