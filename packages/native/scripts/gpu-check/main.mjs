// Runs every kernel on the GPU and on the CPU of this machine, compares the results and times the GPU.
//   ./run [--quick] [--filter REGEXP] [--json FILE]     exit status 1 when a kernel deviates
// Without a GPU it says so and compares the CPU with itself (or with the emulated device, UNICHARACTER_ADDON) at small sizes.
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { standardCases } from './cases.mjs';
import { compare, device, resultsOf, time } from './device.mjs';
import { fusedCases } from './fused-cases.mjs';

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    filter: { type: 'string', default: '' },
    json: { type: 'string', default: 'gpu-check.json' },
  },
});

const gpu = device.probe();
const real = gpu !== null && !gpu.startsWith('emulated');
if (gpu === null) {
  console.log(
    'NO GPU WAS FOUND: no driver or no device. What follows compares the CPU with itself and proves nothing about a GPU.',
  );
} else if (!real) {
  console.log('NO GPU WAS FOUND: the device is emulated on the host. Errors are meaningful, times are not.');
} else {
  console.log(
    `${gpu}; cuBLASLt: ${device.cublasLt() ?? 'not found, plain kernels are used (set UNICHARACTER_CUBLASLT)'}`,
  );
}
const scale = options.quick || !real ? 1 / 4096 : 1;
const pattern = new RegExp(options.filter);
const chosen = [...standardCases(scale), ...fusedCases(scale)].filter(({ name }) => pattern.test(name));
if (chosen.length === 0) throw new Error(`No case matches ${options.filter}`);

// All results of the CPU first: a process holds tensors on one device at a time.
device.use('cpu');
const expected = chosen.map(resultsOf);
device.use(gpu === null ? 'cpu' : 'cuda');
// Times of anything but a GPU would say nothing.
const limits = real ? device.limits() : null;

console.log(line('kernel', 'error', 'ms', 'rate', 'of limit'));
const rows = chosen.map((one, i) => {
  const row = measured(one, expected[i]);
  const timed = row.ms !== null;
  console.log(
    line(
      row.kernel,
      row.failure ?? row.error.toExponential(1),
      timed ? row.ms.toPrecision(3) : '',
      timed ? `${row.rate.toFixed(1)} ${row.unit}` : '',
      timed ? `${(100 * row.share).toFixed(0)} %` : '',
      row.ok ? '' : '  FAILED',
    ),
  );
  return row;
});

function line(kernel, error, ms, rate, share, mark = '') {
  return `${kernel.padEnd(58)}${error.padStart(12)}${ms.padStart(12)}${rate.padStart(18)}${share.padStart(10)}${mark}`;
}

function measured(one, expected) {
  const kernel = `${one.name}${one.precision === 'bf16' ? ', bf16' : ''}`;
  const base = {
    kernel,
    tolerance: one.tolerance ?? 1e-4,
    error: null,
    ms: null,
    rate: null,
    unit: '',
    share: null,
  };
  try {
    const error = compare(resultsOf(one), expected);
    if (!real) return { ...base, error, ok: error <= base.tolerance };
    const ms = time(one, 300);
    const [work, unit, limit] =
      one.flops === undefined
        ? [one.bytes, 'GB/s', limits.copy]
        : [one.flops, 'GFLOP/s', one.precision === 'bf16' ? limits.bf16 : limits.f32];
    const rate = work / ms / 1e6;
    return { ...base, error, ms, rate, unit, share: rate / limit, ok: error <= base.tolerance };
  } catch (failure) {
    console.log(`${kernel}: ${failure.message}`);
    return { ...base, failure: 'exception', ok: false };
  }
}

const failed = rows.filter(({ ok }) => !ok);
const unused = device.unusedKernels();
if (limits !== null) {
  const { copy, f32, bf16 } = limits;
  console.log(
    `limits: copy ${copy.toFixed(0)} GB/s, products f32 ${f32.toFixed(0)} and bf16 ${bf16.toFixed(0)} GFLOP/s`,
  );
}
if (options.filter === '' && unused.length > 0) console.log(`kernels that no case ran: ${unused.join(', ')}`);
if (device.fallbacks().length > 0)
  console.log(`kernels without a version for the device: ${device.fallbacks().join(', ')}`);
console.log(`${rows.length - failed.length} of ${rows.length} cases agree with the CPU`);
const machine = { gpu, cublasLt: device.cublasLt(), cpu: cpus()[0].model, node: process.version, real };
writeFileSync(options.json, `${JSON.stringify({ machine, limits, rows, unusedKernels: unused }, null, 2)}\n`);
console.log(`written: ${options.json}`);
process.exitCode = failed.length > 0 ? 1 : 0;
