import type { RgbImage } from '../../image/index.js';
import type { Judges } from '../judges.js';
import type { ToyTruth } from '../toy-truth.js';
import { claimsOf } from './claims.js';
import { type Measure, measured } from './measure.js';
import { rightShare, shownIn } from './pictures.js';

/** A reply with the picture that was drawn for it. */
export interface IllustratedReply {
  readonly image: RgbImage;
  readonly reply: string;
  readonly imageId: string;
}

/** Whether the picture of a role-play turn shows what the reply says, and who says it. */
export async function consistencyMeasures(
  turns: readonly IllustratedReply[],
  { reader, align }: Judges,
  truth: ToyTruth | undefined,
): Promise<Measure[]> {
  if (turns.length === 0) return [];
  const images = turns.map(({ image }) => image);
  const readings = reader && truth ? await reader.read(images) : [];
  const shown = turns.map(({ reply }) => claimsOf(reply));
  return measured([
    {
      name: 'consistency.shown',
      title: 'Cross-modal: the picture shows what the reply says',
      note: 'share of the scene attributes that the reply names which the attribute reader finds in its picture',
      values: readings.flatMap((reading, i) => rightShare(reading, shown[i]!, 'scene') ?? []),
      better: 'higher',
    },
    {
      name: 'consistency.claims',
      title: 'Cross-modal: scene attributes a reply names',
      note: 'of place, time, weather, pose, expression and object; few named ones make the share above easy',
      values: truth ? shown.map((claims) => Object.keys(claims).length) : [],
      better: 'neither',
    },
    {
      name: 'consistency.identity',
      title: 'Cross-modal: identity in the picture of a reply',
      note: 'share of visible look attributes found in pictures that were drawn for replies',
      values: readings.flatMap(
        (reading, i) => rightShare(reading, shownIn(truth!, turns[i]!.imageId), 'look') ?? [],
      ),
      better: 'higher',
    },
    {
      name: 'consistency.clip',
      title: 'Cross-modal: CLIP-T of reply and picture',
      note: 'cosine of the picture and the reply',
      values: align
        ? align(
            images,
            turns.map(({ reply }) => reply),
          )
        : [],
      better: 'higher',
    },
  ]);
}
