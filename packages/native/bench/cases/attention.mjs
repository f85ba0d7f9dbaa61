import { fullRow, mixedRow, visiblePairs } from './attention-layout.mjs';
import { bothDirections } from './directions.mjs';
import { peakProduct } from './precision.mjs';

const TOKENS = 2048;
const HEADS = 8;
const KEY_HEADS = 2;
const SIZE = 64;

// Products per pair of tokens: q·k and p·v forward; the backward pass repeats q·k and has four more.
const FORWARD = 2;
const BACKWARD = 5;

function attention(kind, row, bar) {
  const pairs = visiblePairs(row);
  const flops = 2 * pairs * HEADS * SIZE;
  const layouts = new Map();
  const layoutFor = (N) => {
    if (!layouts.has(N)) {
      const metadata = Object.entries(row).map(([name, values]) => [name, Int32Array.from(values)]);
      layouts.set(N, new N.AttentionLayout(Object.fromEntries(metadata)));
    }
    return layouts.get(N);
  };
  return bothDirections({
    name: `attention bf16 ${kind} (${((100 * pairs) / TOKENS ** 2).toFixed(0)} % visible)`,
    op: 'attention',
    args: { row },
    dtype: 'bf16',
    inputs: [HEADS, KEY_HEADS, KEY_HEADS].map((heads) => ({ shape: [TOKENS, heads, SIZE], dtype: 'bf16' })),
    output: [TOKENS, HEADS, SIZE],
    apply: ({ N }, [q, k, v]) => N.packedAttention(q, k, v, layoutFor(N)),
    limit: peakProduct('bf16'),
    bars: { pytorch: bar },
    peers: ['pytorch'],
    forward: { flops: FORWARD * flops },
    both: { flops: (FORWARD + BACKWARD) * flops },
  });
}

/** 2,048 packed tokens, 8 query heads over 2 key heads of 64; only visible pairs count as work. */
export const attentions = [...attention('mixed', mixedRow(), 4), ...attention('full', fullRow(TOKENS), 1.3)];
