import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** The tests of the kernels on the addon whose device 'cuda' runs on the host: npx nx run native:test:emulated. */
export default defineConfig({
  test: {
    include: ['test/{cuda,differential,fused}/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 1,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    env: {
      UNICHARACTER_ADDON: fileURLToPath(new URL('addon/unicharacter_emulated_cuda.node', import.meta.url)),
      UNICHARACTER_DEVICE: 'cuda',
      UNICHARACTER_CUDA_SYNC: '1',
    },
  },
});
