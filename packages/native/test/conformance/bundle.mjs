import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { bundleOptions, tfjsEntry } from '../../scripts/tfjs/bundle-options.mjs';

const here = dirname(fileURLToPath(import.meta.url));

/** dist/ imports the shipped bundle; here it must share the suite's copy of tfjs-core. */
const sharedTfjs = {
  name: 'shared-tfjs',
  setup(b) {
    b.onResolve({ filter: /lib[\\/]tfjs\.mjs$/ }, () => ({ path: tfjsEntry }));
  },
};

/**
 * Bundles the suite, tfjs-core and dist/ into one file that lies in build/conformance of this package or of a copy of it;
 * jasmine and the addon stay outside.
 */
export async function bundleSuite(bundle) {
  mkdirSync(dirname(bundle), { recursive: true });
  writeFileSync(join(dirname(bundle), 'package.json'), '{ "type": "module" }\n');
  await build({
    ...bundleOptions,
    entryPoints: [join(here, 'suite.mjs')],
    outfile: bundle,
    format: 'esm',
    external: [...bundleOptions.external, 'jasmine', 'jasmine-core'],
    plugins: [...bundleOptions.plugins, sharedTfjs],
    define: { 'import.meta.url': 'bindingUrl' },
    banner: {
      js: [
        "import { createRequire as requireFrom } from 'node:module';",
        'const require = requireFrom(import.meta.url);',
        "const bindingUrl = new URL('../../dist/binding.js', import.meta.url).href;",
      ].join('\n'),
    },
  });
}
