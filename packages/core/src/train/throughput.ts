/**
 * Time per step, tokens per second and the remaining time of a stage, from the last `window` steps.
 * The clock is given so that tests need not wait.
 */
export class Throughput {
  private readonly recent: { seconds: number; tokens: number }[] = [];
  private last: number;

  /** @param now the current time in seconds */
  constructor(
    private readonly now: () => number = () => performance.now() / 1000,
    private readonly window = 20,
  ) {
    this.last = now();
  }

  /** Leaves out time that is not training (samples, checkpoints): the next step counts from here. */
  restart(): void {
    this.last = this.now();
  }

  /** Takes note of one finished step. */
  step(tokens: number, remainingSteps: number): Rates {
    const time = this.now();
    this.recent.push({ seconds: time - this.last, tokens });
    if (this.recent.length > this.window) this.recent.shift();
    this.last = time;
    const seconds = sum(this.recent.map((entry) => entry.seconds));
    const secondsPerStep = seconds / this.recent.length;
    return {
      secondsPerStep,
      tokensPerSecond: seconds > 0 ? sum(this.recent.map((entry) => entry.tokens)) / seconds : 0,
      etaSeconds: secondsPerStep * remainingSteps,
    };
  }
}

export interface Rates {
  secondsPerStep: number;
  tokensPerSecond: number;
  etaSeconds: number;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
