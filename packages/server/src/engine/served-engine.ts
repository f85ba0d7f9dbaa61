import type { CharacterEngine, Reply } from '@unicharacter/core';

/** Text that the engine made, with its length in tokens. */
export type EngineText = Reply;

/** What the server needs of a trained character. A {@link CharacterEngine} has it; tests hand in a scripted one. */
export type ServedEngine = Pick<CharacterEngine, 'reply' | 'imagine' | 'rolePlay' | 'ask'>;
