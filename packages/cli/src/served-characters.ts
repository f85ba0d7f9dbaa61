import type { EngineProcess, ServedCharacter } from '@unicharacter/server';
import type { Core } from './context.js';

/**
 * The character of a run folder, for a server. Its weights are loaded into the engine process when a request first needs
 * them.
 * @throws RunError when the folder holds no run
 */
export function servedCharacter(core: Core, engine: EngineProcess, run: string): ServedCharacter {
  const { name, description, opening, images } = core.characterOfRun(run);
  const [first] = images;
  return {
    name,
    description,
    opening,
    ...(first ? { portrait: first.path } : {}),
    open: () => engine.open(run),
  };
}
