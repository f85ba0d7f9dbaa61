export { nativeInfo } from '@unicharacter/native';
export * from './config/index.js';
export * from './data/index.js';
export * from './generate/index.js';
export * from './image/index.js';
export * from './model/index.js';
export * from './run/index.js';
export * from './tensor-io/index.js';
export * from './tokenizer/index.js';
