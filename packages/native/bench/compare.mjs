import { setTimeout as pause } from 'node:timers/promises';
import { disagreement } from './agree.mjs';
import { watchOthers } from './disturbance.mjs';

// Thread pools spin for a moment after their last work; the next process must not share the cores with them.
const SETTLE_MS = 60;

/**
 * Measures one case here, its limit, and the same on every peer, one after another.
 * @param {{native: object, peers: Map<string, object>, limits: object, budget: number}} bench processes that wait for cases
 * @returns a row: everything that was measured, ratios above 1 where we are faster
 */
export async function compare(one, { native, peers, limits, budget }) {
  const { name, op, args, inputs, dtype, flops, bytes, bars } = one;
  const request = { name, op, args, inputs, budget };
  const turn = async (process) => {
    await pause(SETTLE_MS);
    const others = watchOthers(process.pid);
    const answer = await process.run(request);
    return { ...answer, others: others() };
  };
  const own = await turn(native);
  if (own.error !== undefined) return { name, error: own.error };
  const rate = (flops ?? bytes) && (flops ?? bytes) / own.median;
  const row = {
    name,
    bars,
    ms: own.median,
    minMs: own.min,
    repeats: own.repeats,
    others: own.others,
    peers: {},
  };
  if (rate !== undefined) Object.assign(row, { rate: rate / 1e6, unit: flops ? 'GFLOP/s' : 'GB/s' });

  const limit = await limits.of(one);
  if (limit?.rate !== undefined && limit.skipped === undefined) {
    row.limit = { share: rate / limit.rate, ms: limit.median, rate: limit.rate / 1e6, note: limit.note };
    if (one.limit?.same) row.limit.disagreement = disagreement(dtype, own.check, limit.check);
  }
  for (const [peer, process] of peers) {
    if (!one.peers.includes(peer)) continue;
    const { median, min, note, check, skipped, error, ...rest } = await turn(process);
    row.peers[peer] =
      check === undefined
        ? { skipped, error }
        : {
            ratio: median / own.median,
            ms: median,
            minMs: min,
            ...rest,
            note,
            disagreement: disagreement(dtype, own.check, check),
          };
  }
  return row;
}
