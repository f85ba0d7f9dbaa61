// The backward passes of the cases run on the project's own driver, as training does.
export { vectorJacobian } from '../../dist/autodiff/driver.js';
