import type { Core, Engine } from './context.js';
import { InterruptedError } from './errors.js';
import { Interrupt } from './interrupt.js';

/**
 * Opens a run for `work` and closes it afterwards. Ctrl-C aborts the signal that `work` gets.
 * @throws InterruptedError after Ctrl-C
 */
export async function withEngine<T>(
  core: Core,
  run: string,
  work: (engine: Engine, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const interrupt = new Interrupt(() => {});
  try {
    const engine = await core.openRun(run);
    try {
      return await work(engine, interrupt.signal);
    } finally {
      engine.dispose();
    }
  } catch (error) {
    throw interrupt.signal.aborted ? new InterruptedError('Interrupted.') : error;
  } finally {
    interrupt.dispose();
  }
}
