/** The doctor: looks a character over before a second of training. */

import { decodeImage, type RgbImage } from '../../image/index.js';
import type { Character } from '../character.js';
import { DataError } from '../errors.js';
import { ownTemplates, type PromptTemplates } from '../prompt-templates.js';
import { readCharacter } from '../read-character.js';
import {
  buildTasks,
  defaultMix,
  mixShares,
  type TaskMix,
  type TaskSample,
  type TaskShare,
} from '../tasks.js';
import { checkImages } from './check-images.js';
import { checkTexts } from './check-texts.js';
import type { Finding } from './finding.js';

export interface InspectOptions {
  /** Counts tokens; without it the report has no lengths. */
  tokenizer?: { encode(text: string): number[] };
  mix?: TaskMix;
  templates?: PromptTemplates;
  /** Samples with more text tokens than this are reported. */
  maxTokens?: number;
  /** Pictures with a shorter side are reported as tiny. Default 64. */
  minSide?: number;
  decode?: (path: string) => Promise<RgbImage>;
}

/** Text tokens of one sample, begin and end markers included, picture tokens not. */
export interface TokenLengths {
  min: number;
  median: number;
  max: number;
  total: number;
}

/** What one task gets out of the data. */
export interface TaskReport extends TaskShare {
  tokens?: TokenLengths;
}

export interface InspectionReport {
  /** False when there is at least one finding of severity `error`. */
  ok: boolean;
  findings: Finding[];
  tasks: TaskReport[];
}

/**
 * What is wrong with the data becomes a finding.
 * @throws DataError for a mix with an unknown task or a bad weight
 */
export async function inspectCharacter(
  character: Character,
  options: InspectOptions = {},
): Promise<InspectionReport> {
  const { mix = defaultMix, templates = ownTemplates, tokenizer, maxTokens } = options;
  const findings = [
    ...(await checkImages(character, options.decode ?? decodeImage, options.minSide ?? 64)),
    ...checkTexts(character),
  ];
  const samples = samplesOf(character, mix, templates, findings);
  const lengths = new Map(samples.map((sample) => [sample, tokenizer ? textTokens(sample, tokenizer) : 0]));
  for (const [sample, tokens] of lengths) {
    if (maxTokens === undefined || tokens <= maxTokens) continue;
    const message = `${sample.id} has ${tokens} text tokens, the limit is ${maxTokens}`;
    findings.push({ severity: 'warning', file: character.source, field: '', message });
  }
  const tasks = mixShares(samples, mix).map((share) => {
    const own = samples.filter((sample) => sample.task === share.task);
    if (own.length === 0 && samples.length > 0) {
      const message = `nothing to train the task ${share.task} with, although the mix asks for it`;
      findings.push({ severity: 'warning', file: character.source, field: '', message });
    }
    const tokens = own.map((sample) => lengths.get(sample) ?? 0);
    return tokenizer && own.length > 0 ? { ...share, tokens: summary(tokens) } : share;
  });
  return { ok: findings.every((finding) => finding.severity !== 'error'), findings, tasks };
}

/** Reads and inspects a folder; a folder that cannot be read gives a report with that one error. */
export async function inspectFolder(folder: string, options: InspectOptions = {}): Promise<InspectionReport> {
  try {
    return await inspectCharacter(await readCharacter(folder), options);
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    return { ok: false, findings: [findingOf(error)], tasks: [] };
  }
}

/** The samples; none when a reference dangles (already found) or when the mix leaves nothing (found here). */
function samplesOf(
  character: Character,
  mix: TaskMix,
  templates: PromptTemplates,
  findings: Finding[],
): TaskSample[] {
  try {
    return buildTasks(character, mix, templates);
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    if (findings.every((finding) => finding.severity !== 'error')) findings.push(findingOf(error));
    return [];
  }
}

function findingOf({ problem }: DataError): Finding {
  const { file, line, path, expected, found, advice } = problem;
  const field = [line === undefined ? '' : `line ${line}`, path ?? '']
    .filter((part) => part !== '')
    .join(' ');
  return { severity: 'error', file, field, message: `expected ${expected}, found ${found}; ${advice}` };
}

function textTokens(sample: TaskSample, tokenizer: { encode(text: string): number[] }): number {
  return sample.items.reduce(
    (sum, item) => sum + (item.kind === 'text' ? tokenizer.encode(item.text).length + 2 : 0),
    0,
  );
}

function summary(values: number[]): TokenLengths {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor((sorted.length - 1) / 2);
  return {
    min: sorted[0] ?? 0,
    median: sorted[middle] ?? 0,
    max: sorted.at(-1) ?? 0,
    total: sorted.reduce((sum, value) => sum + value, 0),
  };
}
