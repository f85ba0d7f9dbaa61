// Packed rows for the attention cases: who sees whom. Modes: 0 causal text, 1 clean image, 2 noised image.

const MIXED_SAMPLE = [
  { tokens: 96, mode: 0 },
  { tokens: 144, mode: 1 },
  { tokens: 48, mode: 0 },
  { tokens: 224, mode: 2 },
];

/** Text, a clean image, text and a noised image per sample, four times; in memory the noised images come last. */
export function mixedRow(samples = 4) {
  const row = [];
  let split = 0;
  for (let sample = 0; sample < samples; sample++) {
    for (const { tokens, mode } of MIXED_SAMPLE) {
      for (let i = 0; i < tokens; i++) row.push({ sample, split, mode, order: row.length });
      split++;
    }
  }
  const inMemory = [...row.filter(({ mode }) => mode !== 2), ...row.filter(({ mode }) => mode === 2)];
  return columns(inMemory);
}

/** One sample whose tokens all see each other. */
export function fullRow(tokens) {
  return columns(Array.from({ length: tokens }, () => ({ sample: 0, split: 0, mode: 1, order: 0 })));
}

function columns(row) {
  const column = (name) => row.map((token) => token[name]);
  return { sample: column('sample'), split: column('split'), order: column('order'), mode: column('mode') };
}

/** Number of (query, key) pairs that the layout leaves. */
export function visiblePairs({ sample, split, order, mode }) {
  let pairs = 0;
  for (let q = 0; q < sample.length; q++) {
    for (let k = 0; k < sample.length; k++) {
      if (sample[q] !== sample[k]) continue;
      const own = split[q] === split[k] && mode[k] !== 0;
      if (own || (mode[k] !== 2 && order[k] <= order[q])) pairs++;
    }
  }
  return pairs;
}
