export { ConfigError, type ConfigProblem } from './config-error.js';
export { type ConfigOverrides, loadConfig, parseConfig, parseOverride } from './load-config.js';
export { mapPaths, PATH_OPTIONS } from './path-options.js';
export { renderConfig } from './render-config.js';
export { type TrainConfig, TrainConfigSchema } from './schema.js';
