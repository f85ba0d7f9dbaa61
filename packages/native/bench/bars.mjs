/** What a row reached of a bar. `more` says whether more is better; undefined where it was not measured. */
function reached(row, against) {
  if (against === 'ms') return { value: row.ms, more: false };
  if (against === 'memory') return { value: row.memory?.share, more: false };
  if (against === 'limit') return { value: row.limit?.share, more: true };
  return { value: row.peers?.[against]?.ratio, more: true };
}

/** The bars of a row, one by one: what was asked, what was measured, and whether it is met. */
export function judged(row) {
  return Object.entries(row.bars ?? {}).map(([against, bar]) => {
    const { value, more } = reached(row, against);
    const met = value === undefined ? undefined : more ? value >= bar : value <= bar;
    return { against, bar, sign: more ? '≥' : '≤', value, met };
  });
}

export const MARKS = { true: '✓', false: '✗', undefined: '?' };

/** All bars of a row in one line: ✓ reached, ✗ not reached, ? not measured. */
export const verdicts = (row) =>
  judged(row)
    .map(({ against, bar, sign, met }) => `${MARKS[met]} ${against} ${sign} ${bar}`)
    .join('  ');
