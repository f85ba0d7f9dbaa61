import { fullRow, mixedRow, visiblePairs } from './attention-layout.mjs';
import { vectorJacobian } from './gradients.mjs';
import { bf16, peakProduct } from './precision.mjs';

const TOKENS = 2048;
const HEADS = 8;
const KEY_HEADS = 2;
const SIZE = 64;

// Products of a pair of tokens: q·k and p·v forward; the backward pass repeats q·k and has four more.
const FORWARD = 2;
const BACKWARD = 5;

function attention(kind, row, backward, bar) {
  const pairs = visiblePairs(row);
  const share = kind === 'full' ? '' : `, ${((100 * pairs) / TOKENS ** 2).toFixed(0)} % visible`;
  return {
    name: `attention bf16 ${kind}${share}, ${backward ? 'forward+backward' : 'forward'}`,
    op: backward ? 'attentionBoth' : 'attention',
    args: kind === 'full' ? {} : { row },
    dtype: 'bf16',
    inputs: [HEADS, KEY_HEADS, KEY_HEADS, ...(backward ? [HEADS] : [])].map((heads) => ({
      shape: [TOKENS, heads, SIZE],
      dtype: 'bf16',
    })),
    start: ({ N }, [q, k, v, dy]) => {
      const layout = new N.AttentionLayout(
        Object.fromEntries(Object.entries(row).map(([name, values]) => [name, Int32Array.from(values)])),
      );
      const attend = () => N.packedAttention(q, k, v, layout);
      const both = () => vectorJacobian(attend, [q, k, v], dy);
      return { once: bf16(N, backward ? both : attend), stop: () => layout.dispose() };
    },
    flops: 2 * (FORWARD + (backward ? BACKWARD : 0)) * pairs * HEADS * SIZE,
    limit: peakProduct('bf16'),
    peers: ['pytorch'],
    bars: { pytorch: bar },
  };
}

const mixed = mixedRow();
const full = fullRow(TOKENS);

/** 2,048 packed tokens, 8 query heads over 2 key heads of 64; only visible pairs count as work. */
export const attentions = [
  attention('mixed', mixed, false, 4),
  attention('mixed', mixed, true, 4),
  attention('full', full, false, 1.3),
  attention('full', full, true, 1.3),
];
