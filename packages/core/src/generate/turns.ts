/** Raised when the caller asked for the work to stop. */
export class AbortedError extends Error {
  override name = 'AbortError';

  constructor() {
    super('the work was stopped on request');
  }
}

/**
 * Gives the event loop a turn, so that other work goes on and an abort signal can arrive.
 *
 * @throws AbortedError when the signal is aborted
 */
export async function nextTurn(signal?: AbortSignal): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  if (signal?.aborted) throw new AbortedError();
}
