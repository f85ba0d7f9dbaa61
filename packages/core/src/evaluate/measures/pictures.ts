import { LOOK_ATTRIBUTES, type ToyAttribute } from '../../data/toy-world/index.js';
import type { RgbImage } from '../../image/index.js';
import { seenAttributes } from '../../judges/attributes-seen.js';
import type { Reading } from '../../judges/reader/fit-drawing.js';
import { groupDiversity } from '../../reward/diversity/group-diversity.js';
import { dot } from '../../reward/tensor-rows.js';
import type { Judges } from '../judges.js';
import { vendi } from '../metrics/index.js';
import type { ToyTruth } from '../toy-truth.js';
import { type Measure, meanOf, measured } from './measure.js';

/** A drawn picture and what it was drawn from. Pictures of one `imageId` share a prompt. */
export interface DrawnPicture {
  readonly image: RgbImage;
  readonly prompt: string;
  readonly imageId: string;
}

export interface PictureContext {
  readonly judges: Judges;
  readonly training: readonly RgbImage[];
  /** Real pictures of the prompts by id, where the data has a test split. */
  readonly real: ReadonlyMap<string, RgbImage>;
  readonly truth: ToyTruth | undefined;
}

/** A picture whose nearest training picture is at least this alike is counted as a copy. */
const COPY = 0.98;

/** Whether pictures show the character, show what was asked, differ, and are not copies of training pictures. */
export async function pictureMeasures(
  drawn: readonly DrawnPicture[],
  context: PictureContext,
): Promise<Measure[]> {
  return [
    ...(await attributeMeasures(drawn, context)),
    ...featureMeasures(drawn, context),
    ...clipMeasures(drawn, context),
  ];
}

type Part = 'look' | 'scene';
const isLook = (name: string) => (LOOK_ATTRIBUTES as readonly string[]).includes(name);

/** Share of the attributes of one part that a reading has right; undefined where the picture shows none. */
export function rightShare(
  reading: Reading,
  shown: Readonly<Record<string, string>>,
  part: Part,
): number | undefined {
  const own = Object.entries(shown).filter(([name]) => isLook(name) === (part === 'look'));
  if (own.length === 0) return undefined;
  return own.filter(([name, value]) => reading[name as ToyAttribute] === value).length / own.length;
}

/** What the toy world knows that the picture of a prompt shows. */
export function shownIn(truth: ToyTruth, imageId: string): Readonly<Record<string, string>> {
  return seenAttributes(truth.look, truth.scenes[Number(imageId)] ?? {}) as Readonly<Record<string, string>>;
}

async function attributeMeasures(
  drawn: readonly DrawnPicture[],
  { judges, real, truth }: PictureContext,
): Promise<Measure[]> {
  const { reader } = judges;
  if (!reader || !truth || drawn.length === 0) return [];
  const readings = await reader.read(drawn.map(({ image }) => image));
  const realIds = [...real.keys()];
  const realReadings = await reader.read([...real.values()]);
  const shares = (part: Part, of: readonly Reading[], ids: readonly string[]) =>
    of.flatMap((reading, i) => rightShare(reading, shownIn(truth, ids[i]!), part) ?? []);
  const measure = (name: string, title: string, note: string, part: Part): Measure => {
    const ceiling = shares(part, realReadings, realIds);
    return {
      name,
      title,
      note,
      values: shares(
        part,
        readings,
        drawn.map(({ imageId }) => imageId),
      ),
      ...(ceiling.length > 0 ? { ceiling: meanOf(ceiling) } : {}),
      better: 'higher',
    };
  };
  return measured([
    measure(
      'pictures.identity',
      'Identity: attributes of the look',
      'share of visible look attributes that the attribute reader finds right; the reader is never a reward',
      'look',
    ),
    measure(
      'pictures.alignment',
      'Alignment: attributes of the scene',
      'share of scene attributes of the prompt that the attribute reader finds right',
      'scene',
    ),
  ]);
}

/** Pictures in groups of one prompt. */
function grouped<T>(drawn: readonly DrawnPicture[], items: readonly T[]): T[][] {
  const groups = new Map<string, T[]>();
  drawn.forEach(({ imageId }, i) => {
    groups.set(imageId, [...(groups.get(imageId) ?? []), items[i]!]);
  });
  return [...groups.values()];
}

function featureMeasures(drawn: readonly DrawnPicture[], context: PictureContext): Measure[] {
  const { judges, training, real } = context;
  if (drawn.length === 0) return [];
  const images = drawn.map(({ image }) => image);
  const rows = judges.features.embed(images);
  const own = judges.features.embed(training);
  const trained = judges.layout.embed(training);
  const nearestOf = (pictures: readonly RgbImage[]) =>
    judges.layout.embed(pictures).map((row) => Math.max(...trained.map((other) => dot(row, other))));
  const nearest = nearestOf(images);
  const similarity = (row: Float32Array) => meanOf(own.map((other) => dot(row, other)));
  const realRows = judges.features.embed([...real.values()]);
  const groups = grouped(drawn, images).filter((group) => group.length > 1);
  const vendiOf = (group: readonly Float32Array[]) =>
    vendi(
      group.flatMap((row) => [...row]),
      group.length,
    ).score;
  return measured([
    {
      name: 'pictures.similarity',
      title: `Identity: ${judges.names.features} similarity`,
      note: 'mean cosine to the training pictures',
      values: rows.map(similarity),
      ...(realRows.length > 0 ? { ceiling: meanOf(realRows.map(similarity)) } : {}),
      better: 'higher',
    },
    {
      name: 'pictures.diversity',
      title: `Diversity: ${judges.names.distance} distance`,
      note: 'mean distance between the pictures of one prompt',
      values: groups.map(
        (group) => groupDiversity(judges.distance.distances(group), group.length, 'group_mean')[0]!,
      ),
      better: 'higher',
    },
    {
      name: 'pictures.vendi',
      title: 'Diversity: Vendi score of a prompt',
      note: `effective number of different pictures among those of one prompt, by ${judges.names.features} features`,
      values: grouped(drawn, rows)
        .filter((group) => group.length > 1)
        .map(vendiOf),
      better: 'higher',
    },
    {
      name: 'pictures.nearest',
      title: 'Memorisation: nearest training picture',
      note: 'largest cosine of layout and colours to a training picture',
      values: nearest,
      ...(real.size > 0 ? { ceiling: meanOf(nearestOf([...real.values()])) } : {}),
      better: 'neither',
    },
    {
      name: 'pictures.copied',
      title: 'Memorisation: copies',
      note: `share of pictures whose nearest training picture is at least ${COPY} alike in layout and colours`,
      values: nearest.map((cosine) => Number(cosine >= COPY)),
      better: 'lower',
    },
  ]);
}

function clipMeasures(drawn: readonly DrawnPicture[], { judges, real }: PictureContext): Measure[] {
  const { align } = judges;
  if (!align || drawn.length === 0) return [];
  const prompts = new Map(drawn.map(({ imageId, prompt }) => [imageId, prompt]));
  const known = [...real].filter(([id]) => prompts.has(id));
  const ceiling = align(
    known.map(([, image]) => image),
    known.map(([id]) => prompts.get(id)!),
  );
  return [
    {
      name: 'pictures.clip',
      title: 'Alignment: CLIP-T',
      note: 'cosine of picture and prompt; CLIP may also be a reward, so gains of a policy may be gains against the judge',
      values: align(
        drawn.map(({ image }) => image),
        drawn.map(({ prompt }) => prompt),
      ),
      ...(ceiling.length > 0 ? { ceiling: meanOf(ceiling) } : {}),
      better: 'higher',
    },
  ];
}
