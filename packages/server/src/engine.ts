import type { Character, RgbImage, Turn } from '@unicharacter/core';

/** Text that the engine made. Counts are in tokens. */
export interface EngineText {
  text: string;
  finish: 'stop' | 'length' | 'aborted';
  promptTokens: number;
  completionTokens: number;
}

export interface SpeechOptions {
  seed?: number;
  temperature?: number;
  maxTokens?: number;
  onToken?: (piece: string) => void;
  signal?: AbortSignal;
}

export interface DrawingOptions {
  width?: number;
  height?: number;
  seed?: number;
  steps?: number;
  cfg?: number;
  onStep?: () => void;
  signal?: AbortSignal;
}

/** What the server needs of a trained character. Tests hand in a scripted one. */
export interface ServedEngine {
  readonly character: Pick<Character, 'name'>;
  reply(request: SpeechOptions & { user: string; history?: Turn[] }): Promise<EngineText>;
  ask(request: SpeechOptions & { image: RgbImage; question: string }): Promise<EngineText>;
  imagine(request: DrawingOptions & { prompt: string }): Promise<{ image: RgbImage; promptTokens: number }>;
  rolePlay(
    request: SpeechOptions & DrawingOptions & { user: string; history?: Turn[] },
  ): Promise<{ reply: EngineText; image: RgbImage }>;
}
