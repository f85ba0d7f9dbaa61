export * from './grpo-prompts.js';
export { recoverPublishedTemplates } from './published-templates.js';
export { readRoleScape } from './reader.js';
