import { type AnnotationProfile, profileOf } from '@unicharacter/core';
import { invalidRequest } from '../errors.js';
import { readUpload } from './read-upload.js';

/**
 * What a character card (PNG, JSON, CHARX) says about its character, as a profile to annotate pictures with.
 * @param name overrules the one of the card
 * @throws ApiError 400 for what is no card; DataError for one that says nothing
 */
export async function profileOfCard(bytes: Uint8Array, name?: string): Promise<AnnotationProfile> {
  const { card, files } = await readUpload(bytes);
  if (!card)
    throw invalidRequest('Expected a character card, found the archive of a folder.', 'file', 'invalid_card');
  const { t2i: _, ...profile } = JSON.parse(Buffer.from(files.get('character.yaml')!).toString('utf8')) as {
    t2i: unknown;
    description: string;
    dialogues: { user: string; reply: string }[];
  };
  // What a card says about its character is often long: it is what is known, not the description of every prompt.
  const { description, dialogues, ...rest } = profile;
  const own = {
    ...rest,
    profile: description,
    dialogues: dialogues.map(({ user, reply }) => ({ user, reply })),
  };
  return profileOf({ file: 'the card', value: own, locate: () => undefined }, name);
}
