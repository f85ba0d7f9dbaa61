import type { OpenEngine } from '../character-shelf.js';
import type { EngineProcess } from './engine-process.js';
import { type EngineMethod, type EngineRequest, PROGRESS_EVENTS } from './protocol.js';
import type { ServedEngine } from './served-engine.js';

/** A character whose weights are in the engine process. After a crash the next call loads them again. */
export class RemoteEngine implements OpenEngine {
  readonly reply: ServedEngine['reply'] = this.asking('reply');
  readonly ask: ServedEngine['ask'] = this.asking('ask');
  readonly imagine: ServedEngine['imagine'] = this.asking('imagine');
  readonly rolePlay: ServedEngine['rolePlay'] = this.asking('rolePlay');

  constructor(
    private readonly host: EngineProcess,
    private readonly folder: string,
  ) {}

  /** Nothing to do: the process holds one character, and the next one takes its place. */
  dispose(): void {}

  private asking<Method extends EngineMethod>(method: Method): ServedEngine[Method] {
    const f = ({ signal, ...given }: EngineRequest): Promise<unknown> => {
      const callbacks: EngineRequest = {};
      const request: EngineRequest = {};
      for (const [name, value] of Object.entries(given)) {
        const one = (PROGRESS_EVENTS as readonly string[]).includes(name) ? callbacks : request;
        if (value !== undefined) one[name] = value;
      }
      return this.host.call(
        { type: 'ask', folder: this.folder, method, request },
        callbacks,
        signal as AbortSignal | undefined,
      );
    };
    // What the process answers is what the same method of the engine in it returned.
    return f as unknown as ServedEngine[Method];
  }
}
