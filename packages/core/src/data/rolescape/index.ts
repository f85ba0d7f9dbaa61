export * from './grpo-prompts.js';
export { readRoleScape } from './reader.js';
