/** UNICHARACTER_MEMORY_MB: an error that says what was asked for, after which everything is as before. */
import { expect, test } from 'vitest';
import { inProcess } from '../in-process.js';

test('what does not fit the limit is refused, named and without a trace', () => {
  const found = inProcess(
    `const { tf, memoryStats } = native;
     native.selectBackend('native');
     const held = tf.fill([8, 1024, 256], 1);
     const before = memoryStats();
     const messages = [() => tf.fill([32, 1024, 256], 0), () => tf.pad(held, [[0, 100], [0, 0], [0, 0]]),
       () => tf.matMul(tf.fill([4096, 1], 1), tf.fill([1, 4096], 1))].map((attempt) => {
         try { tf.tidy(attempt); return 'no error'; } catch (error) { return error.message; }
       });
     const after = memoryStats();
     const sum = tf.tidy(() => tf.sum(tf.add(held, 1)).dataSync()[0]);
     return { before, after, messages, sum };`,
    { UNICHARACTER_MEMORY_MB: '32' },
  ) as Record<string, unknown> & { before: { liveBytes: number; liveBuffers: number }; messages: string[] };
  const { liveBytes, liveBuffers } = found.before;
  expect(liveBytes).toBe(8 * 2 ** 20);
  expect(found.after).toMatchObject({ liveBytes, liveBuffers });
  expect(found.messages[0]).toMatch(
    /^Fill: out of memory: asked for 32 MiB while 8 MiB are live and the limit is 32 MiB; .*UNICHARACTER_MEMORY_MB/,
  );
  expect(found.messages[1]).toMatch(/^StridedPut: out of memory: .* \(given \[8,1024,256\] f32\)$/);
  expect(found.messages[2]).toMatch(
    /^BatchMatMul: out of memory: .* \(given \[4096,1\] f32, \[1,4096\] f32\)$/,
  );
  expect(found.sum).toBe(2 * 8 * 2 ** 18);
});
