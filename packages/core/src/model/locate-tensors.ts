import type { TensorSource } from '../tensor-io/index.js';
import { publishedName, type TensorSpec } from './checkpoint-names.js';

/** Raised when files and configuration disagree; the message lists every tensor at fault. */
export class WeightsError extends Error {
  override name = 'WeightsError';
}

/** Where a weight was found: the source that holds it, under which key. */
export interface LocatedTensor {
  readonly source: TensorSource;
  readonly key: string;
}

const READABLE = new Set(['F32', 'BF16', 'F16']);

/**
 * Finds every weight of a model. Of several sources the first that holds a weight wins (spec 1.7); position tables may be
 * absent everywhere.
 *
 * @param files what the sources were opened from, for the message
 * @throws WeightsError naming every missing, unexpected and mis-shaped tensor, and those of a type that holds no weights
 */
export function locateTensors(
  specs: readonly TensorSpec[],
  sources: readonly TensorSource[],
  files: readonly string[],
): Map<string, LocatedTensor> {
  const wanted = new Map(specs.map((spec) => [spec.name, spec]));
  const located = new Map<string, LocatedTensor>();
  const problems = {
    unexpected: [] as string[],
    repeated: [] as string[],
    shape: [] as string[],
    type: [] as string[],
  };
  for (const source of sources) {
    const own = new Set<string>();
    for (const key of source.names()) {
      const name = publishedName(key);
      const spec = wanted.get(name);
      const place = `(${source.fileOf(key)})`;
      if (!spec) problems.unexpected.push(`${key} ${place}`);
      else if (own.has(name))
        problems.repeated.push(`${key}: also stored as ${located.get(name)?.key} ${place}`);
      if (!spec || own.has(name)) continue;
      own.add(name);
      if (located.has(name)) continue;
      located.set(name, { source, key });
      const { shape, dtype } = source.info(key);
      if (shape.join() !== spec.shape.join())
        problems.shape.push(`${key}: expected [${spec.shape}], found [${shape}] ${place}`);
      if (!READABLE.has(dtype))
        problems.type.push(`${key}: expected F32, BF16 or F16, found ${dtype} ${place}`);
    }
  }
  const missing = specs
    .filter((spec) => !located.has(spec.name) && spec.init.kind !== 'table')
    .map((spec) => spec.name);
  report(files, [
    ['Missing', missing],
    ['Unexpected', problems.unexpected],
    ['Named twice', problems.repeated],
    ['Wrong shape', problems.shape],
    ['Wrong type', problems.type],
  ]);
  return located;
}

function report(
  files: readonly string[],
  lists: readonly (readonly [title: string, names: readonly string[]])[],
): void {
  const found = lists.filter(([, names]) => names.length > 0);
  if (found.length === 0) return;
  const text = found
    .map(([title, names]) => `\n${title} (${names.length}):\n  ${names.join('\n  ')}`)
    .join('');
  throw new WeightsError(
    `the weights in ${files.join(', ')} do not fit the model configuration.${text}\nCheck that configuration files and weights belong together.`,
  );
}
