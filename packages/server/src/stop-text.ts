/**
 * Watches a growing text for stop sequences. Text that could still become a stop sequence is held back, so that a
 * client never sees the beginning of one.
 */
export class StopText {
  private held = '';
  private ended = false;

  constructor(private readonly stops: readonly string[]) {}

  /** True once a stop sequence has been seen; what follows is dropped. */
  get stopped(): boolean {
    return this.ended;
  }

  /** Takes the next piece and returns what may be shown. */
  push(piece: string): string {
    if (this.ended) return '';
    const text = this.held + piece;
    const end = this.firstStop(text);
    if (end >= 0) {
      this.ended = true;
      this.held = '';
      return text.slice(0, end);
    }
    const keep = this.partialStop(text);
    this.held = keep === 0 ? '' : text.slice(-keep);
    return text.slice(0, text.length - keep);
  }

  /** The text is over: returns what was held back. */
  finish(): string {
    const rest = this.held;
    this.held = '';
    return rest;
  }

  private firstStop(text: string): number {
    const positions = this.stops.map((stop) => text.indexOf(stop)).filter((position) => position >= 0);
    return positions.length === 0 ? -1 : Math.min(...positions);
  }

  /** Length of the longest end of `text` that begins a stop sequence. */
  private partialStop(text: string): number {
    let longest = 0;
    for (const stop of this.stops) {
      for (let length = Math.min(stop.length - 1, text.length); length > longest; length--) {
        if (stop.startsWith(text.slice(-length))) longest = length;
      }
    }
    return longest;
  }
}
