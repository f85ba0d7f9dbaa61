import { toBytes } from '../pictures/float-image.js';
import { type ReferencePictures, RewardError, type RewardModel } from '../reward-model.js';
import { dot } from '../tensor-rows.js';
import type { PictureFeatures } from './picture-features.js';
import { readReferences } from './reference-pictures.js';
import { type SimilarityWindow, windowPenalty } from './similarity-window.js';

interface NamedFeature {
  readonly name: string;
  readonly feature: Float32Array;
}

interface ReferenceFeatures {
  readonly features: readonly NamedFeature[];
  /** Names of files that could not be decoded. */
  readonly skipped: readonly string[];
}

/**
 * Keeps pictures like the character, but not copies of its training pictures: with `s` the largest cosine to a reference
 * picture, the hinge of {@link windowPenalty} (rewards specification §4). Every sample is compared with the references of
 * its own character. Features of references are computed once per content of a picture and kept; a folder is read once.
 * Takes over the features and disposes them. Details: `similarity`, `nearest`, `references`, `skippedReferences`.
 */
export function similarityReward(
  features: PictureFeatures,
  window: SimilarityWindow,
  name = 'dino_penalty',
): RewardModel {
  if (!(window.low <= window.high)) {
    throw new RewardError(`${name}: expected low <= high, found low ${window.low} and high ${window.high}`);
  }
  const byContent = new Map<string, Float32Array>();
  const byFolder = new Map<string, Promise<ReferenceFeatures>>();

  async function read(references: ReferencePictures): Promise<ReferenceFeatures> {
    const { pictures, skipped } = await readReferences(references);
    const fresh = pictures.filter(({ sha256 }) => !byContent.has(sha256));
    const embedded = features.embed(fresh.map(({ image }) => image));
    fresh.forEach(({ sha256 }, i) => {
      byContent.set(sha256, embedded[i]!);
    });
    return {
      features: pictures.map(({ name, sha256 }) => ({ name, feature: byContent.get(sha256)! })),
      skipped: skipped.map(({ name }) => name),
    };
  }

  function referenceFeatures(references: ReferencePictures): Promise<ReferenceFeatures> {
    // Pictures in memory are known by their content; a folder is not read again.
    if (typeof references !== 'string') return read(references);
    const known = byFolder.get(references);
    if (known) return known;
    const reading = read(references);
    byFolder.set(references, reading);
    // A folder that could not be read may be mended and asked for again.
    reading.catch(() => byFolder.delete(references));
    return reading;
  }

  return {
    name,
    provenance: { ...features.provenance, ...window },
    async score(samples) {
      const references: ReferenceFeatures[] = [];
      const seen = new Map<ReferencePictures, ReferenceFeatures>();
      for (const [i, sample] of samples.entries()) {
        if (sample.references === undefined) {
          throw new RewardError(
            `${name}: sample ${i} ("${sample.prompt}") has no reference pictures to compare with`,
          );
        }
        const known = seen.get(sample.references) ?? (await referenceFeatures(sample.references));
        seen.set(sample.references, known);
        references.push(known);
      }
      const own = features.embed(samples.map(({ image }) => toBytes(image)));
      const nearest = own.map((feature, i) => nearestOf(feature, references[i]!.features));
      return {
        values: Float64Array.from(nearest, ({ similarity }) => windowPenalty(similarity, window)),
        details: nearest.map(({ similarity, name: nearestName }, i) => {
          const { features: compared, skipped } = references[i]!;
          const left = skipped.length === 0 ? {} : { skippedReferences: skipped };
          return { similarity, nearest: nearestName, references: compared.length, ...left };
        }),
      };
    },
    dispose() {
      features.dispose();
      byContent.clear();
      byFolder.clear();
    },
  };
}

/** The most similar of several named features, the first of equals. */
export function nearestOf(
  feature: Float32Array,
  among: readonly NamedFeature[],
): { readonly name: string; readonly similarity: number } {
  let best = { name: '', similarity: Number.NEGATIVE_INFINITY };
  for (const { name, feature: other } of among) {
    const similarity = dot(feature, other);
    if (similarity > best.similarity) best = { name, similarity };
  }
  return best;
}
