import type { MachineRates, PackPlan, StageMeasure, TrainConfig, TrainingEstimate } from '@unicharacter/core';
import type { Core } from './context.js';
import { verdict } from './describe-inspection.js';
import { formatBytes, formatCount, formatSeconds, formatTable } from './format.js';

/**
 * What a training would do: the resolved configuration, what each task really gets, and what memory and time it takes.
 * Nothing is written.
 * @param options.measure also take a few real steps of every stage, in a scratch folder
 * @param options.rates of the machine that the time is for; those of this one are measured unless told
 * @throws ConfigError, DataError, ModelConfigError … as the training itself would
 */
export async function describePlan(
  core: Core,
  config: TrainConfig,
  { measure = false, rates }: { measure?: boolean; rates?: MachineRates } = {},
): Promise<string> {
  const { data, base, sft, out } = config;
  const character = await core.readCharacter(data);
  const report = await core.inspectCharacter(character, {
    tokenizer: core.loadTokenizer(base),
    mix: sft.mix,
  });
  const { pictures, heldOut, packs, estimate } = await core.planRun(config, rates);
  return `${[
    '# Configuration',
    withoutComments(core.renderConfig(config)),
    '# Data',
    `${character.name}: ${pictures} images from ${data}; ${heldOut} samples held out`,
    `${verdict(report)}${report.findings.length > 0 ? ` (unicharacter inspect ${data} shows them)` : ''}`,
    '',
    '# Tasks of Unified-SFT',
    taskPlanTable(packs),
    describePacks(packs),
    '',
    '# Cost, estimated',
    `parameters  ${formatCount(estimate.parameters)} (and ${formatCount(estimate.vaeParameters)} of the autoencoder)`,
    costTable(estimate),
    `memory      about ${formatBytes(estimate.memoryBytes)} at the fullest moment`,
    `time        about ${formatSeconds(estimate.seconds)} ${rates ? 'at the given rates' : 'on this machine, right within a factor of two when nothing else runs'}`,
    '            judging pictures, samples and checkpoints come on top',
    ...(measure
      ? ['', '# Cost, measured', measuredTable(await core.measureTraining(config))]
      : ['            --measure takes a few real steps and is closer']),
    '',
    `Nothing was written. Without --dry-run the run goes to ${out}.`,
  ].join('\n')}\n`;
}

const percent = (share: number): string => `${(100 * share).toFixed(0)}%`;

function taskPlanTable({ tasks }: PackPlan): string {
  const rows = tasks.map((task) => [
    task.task,
    String(task.samples),
    String(task.pictures),
    formatCount(task.tokens),
    `${task.rounds.toFixed(1)}×`,
    percent(task.tokenShare),
    percent(task.textLossShare),
    percent(task.pictureLossShare),
  ]);
  const head = [
    'task',
    'samples',
    'pictures',
    'tokens',
    'seen',
    'of tokens',
    'of text loss',
    'of picture loss',
  ];
  return formatTable([head, ...rows]);
}

function describePacks({
  packs,
  samplesPerPack,
  tokensPerPack,
  longestPack,
  packsPerEpoch,
}: PackPlan): string {
  return (
    `${packs} packs of ${Math.round(tokensPerPack)} tokens and ${samplesPerPack.toFixed(1)} samples (the longest ` +
    `${longestPack} tokens); every sample has been seen after ${packsPerEpoch} packs`
  );
}

function costTable({ stages }: TrainingEstimate): string {
  const bytes = (value: number | undefined) => (value === undefined ? '-' : formatBytes(value));
  const rows = stages.map(({ stage, steps, trained, memory, seconds }) => [
    stage,
    String(steps),
    formatCount(trained),
    bytes(memory?.weights),
    bytes(memory?.gradients),
    bytes(memory?.optimizer),
    bytes(memory?.activations),
    bytes(memory?.total),
    formatSeconds(seconds),
  ]);
  const head = [
    'stage',
    'steps',
    'trained',
    'weights',
    'gradients',
    'moments',
    'activations',
    'peak',
    'time',
  ];
  return formatTable([head, ...rows]);
}

function measuredTable(stages: readonly StageMeasure[]): string {
  const rows = stages.map(({ stage, secondsPerStep, seconds, peakBytes }) => [
    stage,
    secondsPerStep.toFixed(2),
    formatBytes(peakBytes),
    formatSeconds(seconds),
  ]);
  const whole = stages.reduce((sum, { seconds }) => sum + seconds, 0);
  const table = formatTable([['stage', 'seconds per step', 'peak', 'all steps'], ...rows]);
  return `${table}\n${formatSeconds(whole)} together; samples, held-out losses and checkpoints come on top`;
}

const withoutComments = (yaml: string): string =>
  yaml
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.trim().startsWith('#'))
    .concat('')
    .join('\n');
