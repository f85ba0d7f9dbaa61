import { adviseMapped, type tf } from '@unicharacter/native';
import type { Expert } from './checkpoint-names.js';

/** Told around each layer of the transformer. */
export interface LayerObserver {
  /** @param experts those that have tokens in this pass */
  before(layer: number, experts: readonly Expert[]): void;
  after(layer: number, experts: readonly Expert[]): void;
}

/**
 * Keeps the weights of one layer at a time in this process's memory, for models larger than the machine: while a layer
 * computes the operating system already reads the next one, and what has been used is given back. Works on mapped weights;
 * with others it does nothing.
 */
export class LayerStreamer implements LayerObserver {
  /** @param weightsOf the weights of an expert in a layer; none beyond the last layer */
  constructor(private readonly weightsOf: (layer: number, expert: Expert) => readonly tf.Tensor[]) {}

  before(layer: number, experts: readonly Expert[]): void {
    if (layer === 0) this.#advise(0, experts, 'willNeed');
    this.#advise(layer + 1, experts, 'willNeed');
  }

  after(layer: number, experts: readonly Expert[]): void {
    this.#advise(layer, experts, 'release');
  }

  #advise(layer: number, experts: readonly Expert[], advice: 'willNeed' | 'release'): void {
    for (const expert of experts) adviseMapped(this.weightsOf(layer, expert), advice);
  }
}
