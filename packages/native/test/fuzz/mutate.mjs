// Turns valid commands into odd and bad ones. A position and a seed always give the same command.
import { Draw } from './draw.mjs';

const SIZES = [0, 1, 2, 3, 5, 7, 8, 16, 17, 31, 64, 65];
const INTEGERS = [-2147483648, -65536, -7, -3, -2, -1, 0, 1, 2, 3, 7, 64, 1000, 65536, 1 << 30, 2147483647];
const REALS = [
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  -1,
  -0,
  0,
  0.5,
  1,
  3,
  1e30,
  -1e300,
  5e-324,
];
/** Tensors larger than this are not made; what a kernel makes of small ones is bounded by the memory limit. */
const MOST_ELEMENTS = 1 << 14;
const PHYS_CODES = [0, 1, 2, 3];

/**
 * Command number `index` of the run `seed`: which kernel, and its tokens (see corpus.mjs), some of them damaged.
 * Kernels take turns, so that each gets the same number of commands.
 * @returns {{ kernel: string, tokens: object[] }}
 */
export function commandAt(corpus, seed, index) {
  const draw = new Draw(seed, index);
  const names = [...corpus.keys()];
  const kernel = names[index % names.length];
  const variants = corpus.get(kernel);
  // A kernel nobody has called yet gets the arguments of another one.
  const source = draw.chance(0.97) && variants.length > 0 ? variants : corpus.get(draw.pick(names));
  let tokens = structuredClone(source.length > 0 ? draw.pick(source) : []);
  if (draw.chance(0.7)) resizeEverywhere(tokens, draw);
  for (let count = draw.pick([0, 0, 1, 1, 1, 2, 3]); count > 0; count--) tokens = damage(tokens, draw);
  return { kernel, tokens };
}

/** Replaces one size of the command wherever it stands: the command stays valid as often as not. */
function resizeEverywhere(tokens, draw) {
  const sizes = tokens.flatMap(({ tensor, dims }) => tensor?.dims ?? dims ?? []).filter((size) => size > 0);
  if (sizes.length === 0) return;
  const from = draw.pick(sizes);
  const to = draw.pick(SIZES);
  const replaced = (values) => values.map((value) => (value === from ? to : value));
  for (const token of tokens) {
    if (token.tensor) token.tensor.dims = replaced(token.tensor.dims);
    else if (token.dims) token.dims = replaced(token.dims);
    else if (token.int === from && draw.chance(0.7)) token.int = to;
  }
}

function damage(tokens, draw) {
  if (tokens.length === 0 || draw.chance(0.06))
    return draw.chance(0.5) ? tokens.slice(1) : [...tokens, { int: draw.pick(INTEGERS) }];
  if (draw.chance(0.05)) return tokens.slice(0, draw.int(0, tokens.length));
  const at = draw.int(0, tokens.length - 1);
  return tokens.map((token, i) => (i === at ? damaged(token, draw) : token));
}

function damaged(token, draw) {
  if ('int' in token) return { int: draw.chance(0.4) ? token.int + draw.pick([-1, 1]) : draw.pick(INTEGERS) };
  if ('real' in token) return { real: draw.pick(REALS) };
  if (token.dims)
    return {
      dims: damagedList(token.dims, draw),
      length: draw.chance(0.05) ? draw.pick(INTEGERS) : undefined,
    };
  if (token.tensor) return damagedTensor(token.tensor, draw);
  return draw.pick([{ absent: true }, { slot: draw.pick(INTEGERS), dims: [1] }, { scalar: anyScalar(draw) }]);
}

function damagedList(values, draw) {
  const list = [...values];
  const at = draw.int(0, list.length);
  const value = draw.chance(0.6) ? draw.pick(SIZES) : draw.pick(INTEGERS);
  if (at === list.length || draw.chance(0.15)) list.splice(at, 0, value);
  else if (draw.chance(0.2)) list.splice(at, 1);
  else list[at] = value;
  return list;
}

function anyScalar(draw) {
  return {
    phys: draw.pick([...PHYS_CODES, 4, 9]),
    dims: draw.pick([[], [1], [1, 1], [2]]),
    value: draw.pick(REALS),
  };
}

function damagedTensor(tensor, draw) {
  switch (draw.int(0, 6)) {
    case 0:
      // The shape changes, the buffer does not.
      return { tensor, dims: damagedList(tensor.dims, draw) };
    case 1:
      return { tensor: { ...tensor, phys: draw.pick(PHYS_CODES) } };
    case 2:
      return { tensor: { ...tensor, values: damagedValues(tensor.values, draw) } };
    case 3:
      return { slot: draw.pick(INTEGERS), dims: tensor.dims };
    case 4:
      return draw.chance(0.5) ? { absent: true } : { scalar: anyScalar(draw) };
    default: {
      const dims = damagedList(tensor.dims, draw);
      return { tensor: { ...tensor, dims } };
    }
  }
}

/** Indices, labels and page tables that point outside; numbers that are none. */
function damagedValues(values, draw) {
  const copy = [...values];
  const bad = values.every(Number.isInteger) ? INTEGERS : REALS;
  for (let count = draw.int(1, 3); count > 0 && copy.length > 0; count--)
    copy[draw.int(0, copy.length - 1)] = draw.pick(bad);
  return copy;
}

/**
 * The tokens as the two arrays that cross into the addon.
 * @param place gives the slot of a buffer `{phys, count, values}`; values repeat when they are fewer than `count`
 */
export function encode(tokens, place) {
  const ints = [];
  const reals = [];
  const list = (values, length = values.length) => ints.push(length, ...values);
  for (const token of tokens) {
    if ('int' in token) ints.push(token.int);
    else if ('real' in token) reals.push(token.real);
    else if (token.absent) ints.push(-1);
    else if (token.scalar) {
      ints.push(-2 - token.scalar.phys);
      list(token.scalar.dims);
      reals.push(token.scalar.value);
    } else if (token.tensor) {
      const { phys, dims, values } = token.tensor;
      ints.push(place({ phys, count: countOf(dims), values }));
      list(token.dims ?? dims);
    } else {
      if ('slot' in token) ints.push(token.slot);
      list(token.dims, token.length);
    }
  }
  return { ints, reals };
}

/** Elements of the buffer behind a shape that may be impossible. */
function countOf(dims) {
  const count = dims.reduce((product, size) => product * Math.max(size, 0), 1);
  return Number.isFinite(count) && count <= MOST_ELEMENTS ? count : 1;
}
