import type { ServedCharacter } from '@unicharacter/server';
import type { Core } from './context.js';

/** The characters of run folders, for a server. Their weights are loaded when a request first needs them. */
export function servedCharacters(core: Core, runs: readonly string[]): ServedCharacter[] {
  return runs.map((run) => servedCharacter(core, run));
}

/** @throws RunError when the folder holds no run */
export function servedCharacter(core: Core, run: string): ServedCharacter {
  const { name, description, opening, images } = core.characterOfRun(run);
  const [first] = images;
  return {
    name,
    description,
    opening,
    ...(first ? { portrait: first.path } : {}),
    open: () => core.openRun(run),
  };
}
