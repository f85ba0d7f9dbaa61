/** How a token is chosen from logits (spec 5.6). */
export interface SamplingOptions {
  /** 0 (the default) takes the likeliest token; otherwise logits are divided by it. */
  readonly temperature?: number;
  /** Sample only from the likeliest tokens that together have this probability; 1 (the default) is all. */
  readonly topP?: number;
}
