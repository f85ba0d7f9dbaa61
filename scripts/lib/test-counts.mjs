import { existsSync, readFileSync } from 'node:fs';

/** Adds up what test runners report. A stage that breaks without saying which test counts as one failure. */
export class TestCounts {
  passed = 0;
  failed = 0;

  add(passed, failed) {
    this.passed += passed;
    this.failed += failed;
  }

  /**
   * Takes a JSON report of vitest.
   * @param {string} path
   * @param {boolean} succeeded whether vitest ended with exit code 0
   */
  addVitest(path, succeeded) {
    if (!existsSync(path)) return this.add(0, succeeded ? 0 : 1);
    const { numPassedTests, numFailedTests } = JSON.parse(readFileSync(path, 'utf8'));
    this.add(numPassedTests, numFailedTests === 0 && !succeeded ? 1 : numFailedTests);
  }

  toString() {
    return `${this.passed} passed, ${this.failed} failed`;
  }
}
