import type { TrainConfig } from '@unicharacter/core';
import type { Core } from './context.js';
import { taskTable, verdict } from './describe-inspection.js';
import { formatBytes, formatCount, formatSeconds } from './format.js';

/**
 * What a training would do: the resolved configuration, what the data has to offer, and what memory and time it takes.
 * Nothing is written.
 * @throws ConfigError, DataError, ModelConfigError … as the training itself would
 */
export async function describePlan(core: Core, config: TrainConfig): Promise<string> {
  const { data, base, sft, out } = config;
  const character = await core.readCharacter(data);
  const report = await core.inspectCharacter(character, {
    tokenizer: core.loadTokenizer(base),
    mix: sft.mix,
  });
  const estimate = await core.estimateTraining(config);
  return `${[
    '# Configuration',
    withoutComments(core.renderConfig(config)),
    '# Data',
    `${character.name}: ${character.images.length} images from ${data}`,
    taskTable(report),
    `${verdict(report)}${report.findings.length > 0 ? ` (unicharacter inspect ${data} shows them)` : ''}`,
    '',
    '# Cost',
    `parameters  ${formatCount(estimate.parameters)} (and ${formatCount(estimate.vaeParameters)} of the autoencoder)`,
    `memory      about ${formatBytes(estimate.memoryBytes)}`,
    `time        about ${formatSeconds(estimate.seconds)} on this machine`,
    '',
    `Nothing was written. Without --dry-run the run goes to ${out}.`,
  ].join('\n')}\n`;
}

const withoutComments = (yaml: string): string =>
  yaml
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.trim().startsWith('#'))
    .concat('')
    .join('\n');
