import type { MemoryPlan, ModelInspection, PartCount } from '@unicharacter/core';
import { formatTable } from './format.js';

const whole = (n: number) => n.toLocaleString('en');
const giga = (bytes: number) => (bytes / 1e9).toFixed(bytes < 1e9 ? 2 : 1);

/** What a model folder holds and what it needs, as text. */
export function describeModel(inspection: ModelInspection, withTensors: boolean): string {
  const { config, files } = inspection;
  const { llm, vit } = config;
  const heading =
    `${llm.layers} layers of ${llm.hiddenSize}, ${llm.heads} heads (${llm.kvHeads} for keys), vocabulary ${whole(llm.vocabSize)}; ` +
    `vision tower ${vit.layers} layers of ${vit.hiddenSize}; ${config.latent.pixels} pixels per latent token and side`;
  const checks = files.map(({ file, problem }) =>
    problem === null ? `ok    ${file}` : `ERROR ${file}: ${problem}`,
  );
  return `${[
    heading,
    partTable(inspection),
    ...(withTensors ? [tensorTable(inspection)] : []),
    checks.length > 0 ? checks.join('\n') : 'no weights in this folder, configuration only',
    planTable(inspection),
  ].join('\n\n')}\n`;
}

function partTable({ parts, model, vae }: ModelInspection): string {
  const row = ({ part, tensors, parameters }: PartCount) => [part, whole(tensors), whole(parameters)];
  return formatTable([['part', 'tensors', 'parameters'], ...parts.map(row), row(model), row(vae)]);
}

function tensorTable({ tensors }: ModelInspection): string {
  return formatTable([
    ['tensor', 'shape', 'type'],
    ...tensors.map(({ name, shape, dtype }) => [name, `[${shape}]`, dtype ?? '-']),
  ]);
}

/** Peaks of tensor memory and which devices have that much. */
function planTable({ plans, devices, needs }: ModelInspection): string {
  const fits = ({ total }: MemoryPlan) => devices.map(({ bytes }) => (total <= bytes ? 'fits' : 'no'));
  const rows = plans.map((plan) => [
    plan.purpose,
    ...[plan.weights, plan.gradients, plan.optimizer, plan.cache, plan.activations, plan.total].map(giga),
    ...fits(plan),
  ]);
  const title =
    `Memory in GB at ${needs.width} × ${needs.height}, ${whole(needs.tokensPerPack)} tokens per pack, ` +
    `${needs.weights} weights, ${needs.products} products (total is the peak, not the sum):`;
  const head = ['', 'weights', 'gradients', 'optimizer', 'cache', 'activations', 'total'];
  return `${title}\n${formatTable([[...head, ...devices.map(({ name }) => name)], ...rows])}`;
}
