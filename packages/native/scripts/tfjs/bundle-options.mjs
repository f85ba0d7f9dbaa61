// esbuild options shared by the shipped bundle and the conformance harness: one copy of tfjs-core from its ES modules.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
export const tfjsEntry = join(here, 'entry.mjs');

/** Replaces tfjs-core's ops/zeros and ops/ones by versions that run a kernel. */
const nativeFills = {
  name: 'native-fills',
  setup(build) {
    const fills = join(here, 'fills.mjs');
    build.onLoad({ filter: /tfjs-core[\\/]dist[\\/]ops[\\/](zeros|ones)\.js$/ }, (args) => {
      const name = args.path.endsWith('zeros.js') ? 'zeros' : 'ones';
      return {
        contents: `export { ${name} } from ${JSON.stringify(fills)};`,
        resolveDir: dirname(args.path),
      };
    });
    build.onLoad({ filter: /scripts[\\/]tfjs[\\/]fills\.mjs$/ }, (args) => ({
      contents: readFileSync(args.path, 'utf8'),
    }));
  },
};

/** @type {import('esbuild').BuildOptions} */
export const bundleOptions = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  mainFields: ['module', 'main'],
  // The package marks its test and gradient modules as free of side effects, which they are not.
  ignoreAnnotations: true,
  external: ['node-fetch', '*.node'],
  logLevel: 'warning',
  plugins: [nativeFills],
};
