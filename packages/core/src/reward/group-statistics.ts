import { groupMembers } from './group-members.js';

/** A group whose standard deviation is below this teaches nothing. */
const ZERO_DEVIATION = 1e-6;

export interface GroupStatistics {
  /** By group, in order of appearance. */
  readonly groups: ReadonlyMap<number, { readonly n: number; readonly mean: number; readonly std: number }>;
  /** Mean of the standard deviations of all groups. */
  readonly meanStd: number;
  /** Share of groups whose rewards are all (nearly) equal. */
  readonly zeroVarianceRatio: number;
}

/**
 * Mean and population standard deviation of the rewards of each group, in float64 (rewards specification §7), for logs
 * and alarms; advantages themselves are computed by `grpoAdvantage`.
 */
export function groupStatistics(rewards: ArrayLike<number>, groups: ArrayLike<number>): GroupStatistics {
  const statistics = [...groupMembers(groups)].map(([group, members]) => {
    const values = members.map((i) => rewards[i]!);
    // Relative to the first, so that equal rewards have exactly no deviation.
    const first = values[0]!;
    const shift = values.reduce((sum, value) => sum + (value - first), 0) / values.length;
    const squares = values.reduce((sum, value) => sum + (value - first - shift) ** 2, 0);
    return [
      group,
      { n: values.length, mean: first + shift, std: Math.sqrt(squares / values.length) },
    ] as const;
  });
  const deviations = statistics.map(([, { std }]) => std);
  const share = (count: number) => (statistics.length === 0 ? 0 : count / statistics.length);
  return {
    groups: new Map(statistics),
    meanStd: share(deviations.reduce((sum, std) => sum + std, 0)),
    zeroVarianceRatio: share(deviations.filter((std) => std < ZERO_DEVIATION).length),
  };
}
