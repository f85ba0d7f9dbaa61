export { ConfigError, type ConfigProblem } from './config-error.js';
export { type ConfigOverrides, loadConfig, parseConfig, parseOverride } from './load-config.js';
export { renderConfig } from './render-config.js';
export { type TrainConfig, TrainConfigSchema } from './schema.js';
