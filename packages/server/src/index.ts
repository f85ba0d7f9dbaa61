export { assertSafeBind, isLoopback, UnsafeBindError } from './auth.js';
export { buildServer, modelId, type ServerOptions } from './build-server.js';
export type { ServedEngine } from './engine.js';
export { type ListenOptions, listen } from './listen.js';
