export * from './character.js';
export * from './errors.js';
export * from './inspect/index.js';
export * from './prompt-templates.js';
export * from './read-character.js';
export * from './rolescape/index.js';
export * from './tasks.js';
export { encodeTemplates, readTemplates, TEMPLATES_FILE } from './template-file.js';
export * from './toy-world/index.js';
