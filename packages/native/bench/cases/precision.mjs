/** `f` under bf16 autocast: products compute in bf16 and give bf16. */
export const bf16 = (N, f) => () => N.withAutocast('bf16', f);

/** The largest rate of products in a number format, the limit of every op that is bound by arithmetic. */
export const peakProduct = (dtype) => ({
  words: ['product', dtype === 'bf16' ? 'bf16' : 'f32', 1024, 1024, 1024, 'N', 'N'],
});
