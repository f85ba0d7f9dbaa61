import type { DrawRequest, RgbImage, SpokenToken, TextRequest } from '@unicharacter/core';
import type { OpenEngine } from '../src/character-shelf.js';
import type { EngineText, ServedEngine } from '../src/engine/served-engine.js';

/** An engine that says the given words one by one and draws plain squares, and remembers what it was asked. */
export class FakeEngine implements OpenEngine {
  readonly calls: { method: string; request: object }[] = [];
  aborted = 0;
  disposed = 0;
  /** Called before each word and each drawing step; tests use it to wait or to fail. */
  beforeStep: () => Promise<void> | void = () => new Promise((resolve) => setImmediate(resolve));

  constructor(private readonly words: readonly string[] = ['Hello', ' there', '!']) {}

  reply(request: Parameters<ServedEngine['reply']>[0]): Promise<EngineText> {
    this.calls.push({ method: 'reply', request });
    return this.speak(request);
  }

  ask(request: Parameters<ServedEngine['ask']>[0]): Promise<EngineText> {
    this.calls.push({ method: 'ask', request });
    return this.speak(request);
  }

  async imagine(request: Parameters<ServedEngine['imagine']>[0]) {
    this.calls.push({ method: 'imagine', request });
    return { image: await this.draw(request), promptTokens: 5 };
  }

  async rolePlay(request: Parameters<ServedEngine['rolePlay']>[0]) {
    this.calls.push({ method: 'rolePlay', request });
    return { reply: await this.speak(request), image: await this.draw(request) };
  }

  dispose(): void {
    this.disposed += 1;
  }

  private async speak({ maxTokens, onToken, signal, logprobs }: TextRequest): Promise<EngineText> {
    let text = '';
    let completionTokens = 0;
    const result = (finish: EngineText['finish']) => ({ text, finish, promptTokens: 7, completionTokens });
    for (const word of this.words) {
      if (completionTokens === maxTokens) return result('length');
      await this.beforeStep();
      if (signal?.aborted) {
        this.aborted += 1;
        return result('aborted');
      }
      text += word;
      completionTokens += 1;
      onToken?.(word, ...(logprobs === undefined ? [] : [likely(word, completionTokens, logprobs)]));
    }
    return result('stop');
  }

  private async draw({ width = 4, height = 2, steps = 3, onStep, signal }: DrawRequest): Promise<RgbImage> {
    for (let step = 0; step < steps; step++) {
      await this.beforeStep();
      signal?.throwIfAborted();
      onStep?.(step + 1, steps);
    }
    return { width, height, data: new Uint8Array(width * height * 3).fill(200) };
  }
}

/** The nth token of a text: e^-n likely, with made-up ones behind it. */
const likely = (word: string, n: number, count: number): SpokenToken => ({
  bytes: [...Buffer.from(word)],
  logprob: -n,
  top: Array.from({ length: count }, (_, i) => ({
    bytes: i === 0 ? [...Buffer.from(word)] : [0xe2, 0x80 + i],
    logprob: -n - i,
  })),
});
