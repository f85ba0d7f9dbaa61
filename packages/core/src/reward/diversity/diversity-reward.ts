import { groupMembers } from '../group-members.js';
import { toBytes } from '../pictures/float-image.js';
import type { RewardModel } from '../reward-model.js';
import { type DiversityCredit, groupDiversity } from './group-diversity.js';
import type { PictureDistance } from './picture-distance.js';

export interface DiversityOptions {
  /** Default `per_image_mean_to_others`. */
  readonly credit?: DiversityCredit;
  readonly name?: string;
}

/**
 * Diversity of the pictures that were drawn for one prompt (rewards specification §6), per group of the batch. Takes over
 * the distance and disposes it. Details: `meanToOthers`, `groupMean`, `groupSize`.
 */
export function diversityReward(distance: PictureDistance, options: DiversityOptions = {}): RewardModel {
  const { credit = 'per_image_mean_to_others', name = 'diversity_lpips' } = options;
  return {
    name,
    provenance: { ...distance.provenance, credit },
    async score(samples) {
      const values = new Float64Array(samples.length);
      const details: Record<string, unknown>[] = new Array(samples.length);
      for (const members of groupMembers(samples.map(({ group }) => group)).values()) {
        const images = members.map((i) => toBytes(samples[i]!.image));
        const distances = distance.distances(images);
        const credited = groupDiversity(distances, images.length, credit);
        const toOthers = groupDiversity(distances, images.length, 'per_image_mean_to_others');
        const [groupMean] = groupDiversity(distances, images.length, 'group_mean');
        members.forEach((sample, i) => {
          values[sample] = credited[i]!;
          details[sample] = { meanToOthers: toOthers[i]!, groupMean, groupSize: members.length };
        });
      }
      return { values, details };
    },
    dispose: () => distance.dispose(),
  };
}
