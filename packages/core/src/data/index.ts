export * from './character.js';
export * from './errors.js';
export * from './prompt-templates.js';
export * from './tasks.js';
