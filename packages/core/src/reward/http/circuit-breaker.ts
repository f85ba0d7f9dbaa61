/**
 * Stops asking a service that keeps failing (Nygard, "Release It!"). Closed: calls pass. After `threshold` failures in a row
 * it opens and refuses calls. After `coolDownMs` one call may try again; its outcome closes the breaker or opens it anew.
 */
export class CircuitBreaker {
  #failures = 0;
  #lastFailure = '';
  #openedAt: number | null = null;

  constructor(
    private readonly threshold: number,
    private readonly coolDownMs: number,
    private readonly now: () => number = Date.now,
  ) {}

  /** Failures since the last success. */
  get failures(): number {
    return this.#failures;
  }

  /** What went wrong last. */
  get lastFailure(): string {
    return this.#lastFailure;
  }

  /** Milliseconds until a call may be tried; 0 when one may be tried now. */
  get waitMs(): number {
    if (this.#openedAt === null) return 0;
    return Math.max(0, this.#openedAt + this.coolDownMs - this.now());
  }

  /** Whether the last failure opened it and no success has closed it since. */
  get isOpen(): boolean {
    return this.#openedAt !== null;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#openedAt = null;
  }

  failed(reason: string): void {
    this.#failures++;
    this.#lastFailure = reason;
    if (this.#failures >= this.threshold) this.#openedAt = this.now();
  }
}
