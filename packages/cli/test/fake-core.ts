import * as realCore from '@unicharacter/core';
import type { Core, Engine } from '../src/context.js';

/** The real core with an engine that needs no trained run: it echoes, draws grey squares and notes what it is asked. */
export function fakeCore(overrides: Partial<Core> = {}): { core: () => Promise<Core>; engine: FakeEngine } {
  const engine = new FakeEngine();
  return { core: async () => ({ ...realCore, openRun: async () => engine, ...overrides }), engine };
}

type Spoken = Awaited<ReturnType<Engine['reply']>>;

export class FakeEngine implements Engine {
  readonly character = { ...EMPTY, name: 'Mimi', opening: 'Welcome.' };
  readonly calls: { method: string; request: Record<string, unknown> }[] = [];
  disposed = 0;

  async reply(request: Parameters<Engine['reply']>[0]): Promise<Spoken> {
    this.note('reply', request);
    return this.speak(`You said ${request.user}`, request.onToken);
  }

  async ask(request: Parameters<Engine['ask']>[0]): Promise<Spoken> {
    this.note('ask', request);
    return this.speak(`An answer to ${request.question}`);
  }

  async imagine(request: Parameters<Engine['imagine']>[0]) {
    this.note('imagine', request);
    return { image: this.draw(request), promptTokens: 3 };
  }

  async illustrate(request: Parameters<Engine['illustrate']>[0]) {
    this.note('illustrate', request);
    return this.draw(request);
  }

  async rolePlay(request: Parameters<Engine['rolePlay']>[0]) {
    this.note('rolePlay', request);
    return { reply: this.speak(`You said ${request.user}`, request.onToken), image: this.draw(request) };
  }

  dispose(): void {
    this.disposed += 1;
  }

  private note(method: string, request: object): void {
    this.calls.push({ method, request: { ...request } });
  }

  private speak(text: string, onToken?: (piece: string) => void): Spoken {
    for (const word of text.split(/(?<= )/)) onToken?.(word);
    return { text, finish: 'stop', promptTokens: 4, completionTokens: text.split(' ').length };
  }

  private draw({ width = 4, height = 4 }: { width?: number; height?: number }) {
    return { width, height, data: new Uint8Array(width * height * 3).fill(128) };
  }
}

const EMPTY: Engine['character'] = {
  name: '',
  description: '',
  opening: '',
  images: [],
  dialogues: [],
  scenes: [],
  vqa: [],
  knowledge: [],
  t2i: [],
  heldOut: realCore.emptyHeldOut(),
  source: '',
};
