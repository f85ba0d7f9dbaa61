export { checkpoint } from './checkpoint.js';
export { type GradientOptions, valueAndGrads } from './driver.js';
export { gradientNeeded } from './needed.js';
export { noGrad } from './no-grad.js';
