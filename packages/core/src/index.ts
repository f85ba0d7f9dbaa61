export * from './data/index.js';
export * from './run/index.js';
