import type { TSchema } from 'typebox';
import { Settings } from 'typebox/system';
import Value from 'typebox/value';
import { describeExpected, propertiesOf, schemaAt } from './describe-schema.js';
import { type TrainConfig, TrainConfigSchema } from './schema.js';
import { suggestOption } from './suggest.js';

/** A problem of a value, before it is known where the value came from. */
export interface ValueProblem {
  readonly path: readonly string[];
  readonly problem: string;
  /** The name of the option is at fault, not its value. */
  readonly atKey: boolean;
}

/** Everything that is wrong with a configuration, in the order of the schema. */
export function findProblems(config: unknown): ValueProblem[] {
  const problems = schemaProblems(TrainConfigSchema, config);
  return problems.length > 0 ? problems : conflicts(config as TrainConfig);
}

function schemaProblems(root: TSchema, config: unknown): ValueProblem[] {
  const seen = new Set<string>();
  const problems: ValueProblem[] = [];
  for (const error of allErrors(root, config)) {
    const path = error.instancePath.split('/').slice(1);
    if (error.keyword === 'additionalProperties') {
      for (const name of error.params.additionalProperties)
        problems.push(unknownOption([...path, name], root));
    } else if (error.keyword === 'required') {
      for (const name of error.params.requiredProperties) problems.push(missingOption([...path, name], root));
    } else {
      const schema = schemaAt(root, path);
      // Two broken bounds of one value are one problem; "schema is false" repeats additionalProperties.
      if (schema === undefined || seen.has(error.instancePath)) continue;
      seen.add(error.instancePath);
      const found = describeFound(valueAt(config, path));
      problems.push({ path, problem: `expected ${describeExpected(schema)}, found ${found}`, atKey: false });
    }
  }
  return problems;
}

/** The library stops after a few errors unless told; a user wants to see all at once. */
function allErrors(schema: TSchema, value: unknown) {
  const { maxErrors } = Settings.Get();
  Settings.Set({ maxErrors: 1000 });
  try {
    return Value.Errors(schema, value);
  } finally {
    Settings.Set({ maxErrors });
  }
}

function unknownOption(path: readonly string[], root: TSchema): ValueProblem {
  const group = schemaAt(root, path.slice(0, -1)) ?? root;
  const meant = suggestOption(path, group, root);
  const known = Object.keys(propertiesOf(group)).join(', ');
  const advice = meant === undefined ? '' : `; did you mean ${meant}?`;
  return { path, problem: `unknown option${advice} (options here: ${known})`, atKey: true };
}

function missingOption(path: readonly string[], root: TSchema): ValueProblem {
  const schema = schemaAt(root, path);
  const expected = schema === undefined ? '' : `; expected ${describeExpected(schema)}`;
  return { path, problem: `missing${expected}`, atKey: false };
}

/** What no single option can check. */
function conflicts({ image, vae, sft, grpo, textGrpo, generate }: TrainConfig): ValueProblem[] {
  const problems: ValueProblem[] = [];
  const report = (key: string, problem: string) =>
    problems.push({ path: key.split('.'), problem, atKey: false });
  if (vae.crop > image.size) {
    report('vae.crop', `expected at most image.size, which is ${image.size}, found ${vae.crop}`);
  }
  if (!Object.values(sft.mix).some((weight) => weight > 0)) {
    report('sft.mix', 'expected a weight above 0 for at least one task, found none');
  }
  const stages = {
    vae: { length: 'steps', count: vae.steps, ...vae },
    sft: { length: 'steps', count: sft.steps, ...sft },
    grpo: { length: 'epochs', count: grpo.epochs, ...grpo },
    textGrpo: { length: 'epochs', count: textGrpo.epochs, ...textGrpo },
  };
  for (const [stage, { length, count, optimizer }] of Object.entries(stages)) {
    const key = `${stage}.optimizer`;
    if (optimizer.warmupSteps > count) {
      report(
        `${key}.warmupSteps`,
        `expected at most ${stage}.${length}, which is ${count}, found ${optimizer.warmupSteps}`,
      );
    }
    if (optimizer.minLr > optimizer.lr) {
      report(`${key}.minLr`, `expected at most lr, which is ${optimizer.lr}, found ${optimizer.minLr}`);
    }
    if (optimizer.betas.some((beta) => beta === 1)) {
      report(`${key}.betas`, `expected numbers below 1, found [${optimizer.betas.join(', ')}]`);
    }
  }
  problems.push(...policyConflicts({ grpo, textGrpo, sft }));
  const [from, to] = generate.image.guidance.interval;
  if (from > to) report('generate.image.guidance.interval', `expected [low, high], found [${from}, ${to}]`);
  return problems;
}

/** What the options of the trained parts and of the stages after Unified-SFT ask of each other. */
function policyConflicts({
  grpo,
  textGrpo,
  sft,
}: Pick<TrainConfig, 'grpo' | 'textGrpo' | 'sft'>): ValueProblem[] {
  const problems: ValueProblem[] = [];
  const report = (key: string, problem: string) =>
    problems.push({ path: key.split('.'), problem, atKey: false });
  const { window, sampling } = grpo;
  if (window.from + window.size > window.to) {
    report(
      'grpo.window.size',
      `expected at most to − from, which is ${window.to - window.from}, found ${window.size}`,
    );
  }
  if (window.to > sampling.steps - 1) {
    report(
      'grpo.window.to',
      `expected at most sampling.steps − 1, which is ${sampling.steps - 1}, found ${window.to}`,
    );
  }
  for (const [stage, { promptsPerEpoch, updates, train, anchor }] of Object.entries({ grpo, textGrpo })) {
    if (updates > promptsPerEpoch) {
      report(
        `${stage}.updates`,
        `expected at most promptsPerEpoch, which is ${promptsPerEpoch}, found ${updates}`,
      );
    }
    if (!['lora', 'auto'].includes(train.mode) && anchor.kind !== 'none') {
      report(
        `${stage}.anchor.kind`,
        `expected none with train.mode ${train.mode} (the anchor is the model without its adapter), found ${anchor.kind}`,
      );
    }
  }
  for (const [stage, { train }] of Object.entries({ sft, grpo, textGrpo })) {
    if (train.mode === 'parts' && train.parts.length === 0) {
      report(
        `${stage}.train.parts`,
        'expected at least one piece of a weight name with mode parts, found none',
      );
    }
    if (train.mode === 'lora' && train.lora.und.length + train.lora.gen.length === 0) {
      report(`${stage}.train.lora.gen`, 'expected a projection for at least one expert, found none');
    }
  }
  return problems;
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((inner, name) => (inner as Record<string, unknown> | undefined)?.[name], value);
}

function describeFound(value: unknown): string {
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  return JSON.stringify(value) ?? 'nothing';
}
