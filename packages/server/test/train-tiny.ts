/** Training over HTTP with a model of a few ten thousand weights: what the tests of jobs share. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { characterOfRun, type LoggedEvent, RunFolder, readEvents, type StepEvent } from '@unicharacter/core';
import { zipSync } from 'fflate';
import { characterFolder, tinyOptions } from '../../core/test/train/tiny-run.js';
import type { EngineProcess, TrainingOptions } from '../dist/index.js';

/** Options of a training of a few seconds, as a request may give them. */
export const TINY_CONFIG: Record<string, unknown> = Object.fromEntries(
  Object.entries({ ...tinyOptions('', ''), 'sft.steps': 8, 'vae.steps': 4, 'checkpoints.every': 2 }).filter(
    ([name]) => !['data', 'base', 'out'].includes(name),
  ),
);

/** The character that comes with the project as a ZIP. */
export function olmoArchive(): Buffer {
  const entries = readdirSync(characterFolder).map(
    (name) => [`Olmo/${name}`, readFileSync(join(characterFolder, name))] as const,
  );
  return Buffer.from(zipSync(Object.fromEntries(entries), { level: 0, mtime: new Date(2000, 0, 1) }));
}

export function trainingOptions(runs: string, base: string, engine: EngineProcess): TrainingOptions {
  return {
    runs,
    bases: { tiny: base },
    pollSeconds: 0.1,
    serve: (run) => {
      const { name, description, opening } = characterOfRun(run);
      return { name, description, opening, open: () => engine.open(run) };
    },
  };
}

/** What the steps of a run computed, without times. */
export function lossesOf(run: string): [string, number, Record<string, number>][] {
  return (readEvents(new RunFolder(run).events) as LoggedEvent[])
    .filter((event): event is StepEvent & { time: string } => event.type === 'step')
    .map(({ stage, step, losses }) => [stage, step, losses]);
}
