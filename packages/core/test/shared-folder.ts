import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Folder `shared` with reference numbers, looked for beside the repository and beside each folder above it.
 * `undefined` on machines that do not have it: tests that need it are skipped there.
 */
export function findShared(): string | undefined {
  let folder = join(dirname(fileURLToPath(import.meta.url)), '../../..');
  for (;;) {
    const parent = dirname(folder);
    if (parent === folder) return undefined;
    const candidate = join(parent, 'shared');
    if (existsSync(join(candidate, 'golden'))) return candidate;
    folder = parent;
  }
}

/** The folder of the tiny reference model, or `undefined` where it is absent. */
export function findGoldenTiny(): string | undefined {
  const shared = findShared();
  const folder = shared === undefined ? undefined : join(shared, 'golden', 'bagel-tiny');
  return folder !== undefined && existsSync(folder) ? folder : undefined;
}
