export { assertSafeBind, isLoopback, UnsafeBindError } from './auth.js';
export { buildServer, type ServerOptions } from './build-server.js';
export { modelId, type OpenEngine, type ServedCharacter } from './character-shelf.js';
export type { ServedEngine } from './engine.js';
export { type ListenOptions, listen } from './listen.js';
export type { ApiKey } from './state/api-keys.js';
export { StateError } from './state/database.js';
export { openState, State, type StateOptions } from './state/state.js';
export type { TrainingOptions } from './training/training-options.js';
