// esbuild options shared by the shipped bundle and the conformance harness: one copy of tfjs-core from its ES modules.
import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
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

const NATIVE_OPS = {
  einsum: 'einsum',
  eye: 'eye',
  random_normal: 'randomNormal',
  random_uniform: 'randomUniform',
};

/** Asks native-ops.mjs first; the stock op runs where that has no answer. */
const nativeOps = {
  name: 'native-ops',
  setup(build) {
    const ops = JSON.stringify(join(here, 'native-ops.mjs'));
    const files = Object.keys(NATIVE_OPS).join('|');
    build.onLoad({ filter: new RegExp(`tfjs-core[\\\\/]dist[\\\\/]ops[\\\\/](${files})\\.js$`) }, (args) => {
      const name = NATIVE_OPS[basename(args.path, '.js')];
      const source = readFileSync(args.path, 'utf8');
      const stock = source.replace(`export const ${name} =`, 'const stock =');
      if (stock === source) throw new Error(`${args.path} does not export ${name} as expected`);
      const wrapped = `import { ${name} as native } from ${ops};
export const ${name} = (...given) => native(...given) ?? stock(...given);`;
      return { contents: `${stock}\n${wrapped}`, resolveDir: dirname(args.path) };
    });
  },
};

/** An absent scale becomes ones and an absent offset no input: the tape cannot hold undefined tensors. */
const batchNormInputs = {
  name: 'batch-norm-inputs',
  setup(build) {
    build.onLoad({ filter: /tfjs-core[\\/]dist[\\/]ops[\\/]batchnorm\.js$/ }, (args) => {
      const source = readFileSync(args.path, 'utf8');
      const fixed = source.replace(
        /scale: \$scale,\s+offset: \$offset,/,
        'scale: $scale ?? ones($mean.shape), ...($offset == null ? {} : { offset: $offset }),',
      );
      if (fixed === source) throw new Error(`${args.path} does not build its inputs as expected`);
      return { contents: `import { ones } from './ones';\n${fixed}`, resolveDir: dirname(args.path) };
    });
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
  plugins: [nativeFills, nativeOps, batchNormInputs],
};
