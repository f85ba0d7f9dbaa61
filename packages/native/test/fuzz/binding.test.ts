/**
 * A hundred thousand commands, half of them damaged, over all kernels of the addon. They run in a process of their own:
 * a crash or a hang is a failure that names the command, and `run-commands.mjs` repeats it.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const SEED = '1';
const CALLS = 100_000;
const script = fileURLToPath(new URL('./run-commands.mjs', import.meta.url));

test('no command crashes the process, hangs, leaks, or fails without naming its kernel and shapes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'unicharacter-fuzz-'));
  const progress = join(folder, 'progress');
  try {
    const args = ['--seed', SEED, '--count', String(CALLS), '--progress', progress];
    const run = spawnSync(process.execPath, [script, ...args], {
      // The limit makes an absurd output a refusal instead of minutes of filling memory.
      env: { ...process.env, UNICHARACTER_MEMORY_MB: '48' },
      encoding: 'utf8',
      timeout: 100_000,
      killSignal: 'SIGKILL',
    });
    if (run.status !== 0) {
      const [index, kernel] = readFileSync(progress, 'utf8').trim().split(' ');
      const how = run.signal === null ? `exit status ${run.status}` : `signal ${run.signal}`;
      throw new Error(
        `${how} at call ${index} (${kernel}); repeat it with\n` +
          `  node test/fuzz/run-commands.mjs --seed ${SEED} --from ${index} --count 1 --print\n${run.stderr}`,
      );
    }
    const { calls, succeeded, refused, kernels, kernelsThatNeverRan } = JSON.parse(run.stdout);
    expect(calls).toBe(CALLS);
    // Both kinds are plenty: damaged commands are refused, odd but valid ones run.
    expect(Math.min(succeeded, refused)).toBeGreaterThan(CALLS / 4);
    // A kernel without a call in calls.mjs only ever sees the arguments of others.
    expect(kernelsThatNeverRan.length, `never ran: ${kernelsThatNeverRan}`).toBeLessThan(kernels / 10);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
