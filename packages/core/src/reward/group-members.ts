/** Indices of the samples of each group, groups in order of appearance. */
export function groupMembers(groups: ArrayLike<number>): Map<number, number[]> {
  const members = new Map<number, number[]>();
  for (let i = 0; i < groups.length; i++) {
    const of = members.get(groups[i]!);
    if (of) of.push(i);
    else members.set(groups[i]!, [i]);
  }
  return members;
}
