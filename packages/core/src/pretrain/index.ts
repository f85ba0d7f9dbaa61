export { pretrain } from './pretrain.js';
