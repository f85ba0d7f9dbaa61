// Makes lib/tfjs.mjs: exactly one copy of tfjs-core 4.22.0 with all gradients, chained ops and the cpu backend.
// Needed because tfjs-core registers no gradients by default and its deep imports do not load in Node.
import { mkdirSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { bundleOptions, tfjsEntry } from './tfjs/bundle-options.mjs';

const lib = join(dirname(dirname(fileURLToPath(import.meta.url))), 'lib');
mkdirSync(lib, { recursive: true });
const partial = join(lib, 'tfjs.partial.mjs');
await build({
  ...bundleOptions,
  entryPoints: [tfjsEntry],
  outfile: partial,
  format: 'esm',
  minifySyntax: true,
  legalComments: 'none',
  banner: {
    js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
  },
});
renameSync(partial, join(lib, 'tfjs.mjs'));
