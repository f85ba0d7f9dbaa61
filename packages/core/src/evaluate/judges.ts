import { selectBackend } from '@unicharacter/native';
import type { RgbImage } from '../image/index.js';
import { AttributeReader } from '../judges/reader/attribute-reader.js';
import {
  ClipModel,
  clipFeatures,
  DinoModel,
  dinoFeatures,
  featureDistance,
  LpipsModel,
  lpipsDistance,
  type PictureDistance,
  type PictureFeatures,
  thumbnailFeatures,
} from '../reward/index.js';
import { dot } from '../reward/tensor-rows.js';
import { clipTextRows } from '../reward/towers/clip/text-rows.js';

/** Folders of what judges pictures; each may be absent. */
export interface JudgeFolders {
  /** Attribute reader of the toy world. */
  readonly reader?: string | undefined;
  readonly clip?: string | undefined;
  readonly dino?: string | undefined;
  readonly lpips?: string | undefined;
}

/** What pictures are measured with. */
export interface Judges {
  readonly reader: AttributeReader | undefined;
  /** Cosine of each picture and its text; undefined without CLIP. */
  readonly align: ((images: readonly RgbImage[], texts: readonly string[]) => number[]) | undefined;
  /** DINOv2 if given, else CLIP, else thumbnails. */
  readonly features: PictureFeatures;
  /** LPIPS if given, else by `features`. */
  readonly distance: PictureDistance;
  /** Layout and colours: what a copy keeps. */
  readonly layout: PictureFeatures;
  /** Short names for tables. */
  readonly names: { readonly features: string; readonly distance: string };
  /** What produced every number. JSON values only. */
  readonly provenance: Readonly<Record<string, unknown>>;
  dispose(): void;
}

/** Side of the thumbnails that copies are found with. */
const LAYOUT_SIDE = 16;

/**
 * Loads judges. Without towers pictures are compared by thumbnails, which see layout and colours but no meaning; the names say so.
 * @throws WeightsError, DataError or TokenizerError naming the file that does not fit
 */
export async function loadJudges({ reader, clip, dino, lpips }: JudgeFolders): Promise<Judges> {
  selectBackend('native');
  const owned: { dispose(): void }[] = [];
  const own = async <T extends { dispose(): void }>(loading: Promise<T> | undefined) => {
    const loaded = await loading;
    if (loaded) owned.push(loaded);
    return loaded;
  };
  try {
    const attributes = await own(reader === undefined ? undefined : AttributeReader.load(reader));
    const text = await own(clip === undefined ? undefined : ClipModel.load(clip));
    const pictures = await own(dino === undefined ? undefined : DinoModel.load(dino));
    const perceptual = await own(lpips === undefined ? undefined : LpipsModel.load(lpips));
    const layout = thumbnailFeatures(LAYOUT_SIDE);
    const features = pictures ? dinoFeatures(pictures) : text ? clipFeatures(text) : thumbnailFeatures();
    const named = pictures ? 'DINO' : text ? 'CLIP-I' : 'thumbnail';
    const distance = perceptual ? lpipsDistance(perceptual) : featureDistance(features);
    return {
      reader: attributes,
      align: text && ((images, texts) => alignment(text, images, texts)),
      features,
      distance,
      layout,
      names: { features: named, distance: perceptual ? 'LPIPS' : named },
      provenance: {
        ...(attributes ? { reader: attributes.provenance } : {}),
        ...(text ? { clip: { weights: text.sha256 } } : {}),
        features: features.provenance,
        distance: distance.provenance,
        layout: layout.provenance,
      },
      dispose: () => {
        for (const one of owned) one.dispose();
      },
    };
  } catch (error) {
    for (const one of owned) one.dispose();
    throw error;
  }
}

function alignment(clip: ClipModel, images: readonly RgbImage[], texts: readonly string[]): number[] {
  const told = clipTextRows(clip, texts);
  return clipFeatures(clip)
    .embed(images)
    .map((picture, i) => dot(picture, told[i]!));
}
