/**
 * Ctrl-C in two stages: the first one aborts `signal`, so that the work can stop in good order; after it the default
 * action of the signal is back, and a second Ctrl-C ends the process at once.
 * SIGTERM is treated like the first Ctrl-C.
 */
export class Interrupt {
  private readonly controller = new AbortController();
  private readonly listener: () => void;

  constructor(onFirst: () => void) {
    this.listener = () => {
      this.dispose();
      onFirst();
      this.controller.abort(new Error('interrupted by the user'));
    };
    process.once('SIGINT', this.listener);
    process.once('SIGTERM', this.listener);
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  dispose(): void {
    process.off('SIGINT', this.listener);
    process.off('SIGTERM', this.listener);
  }
}
