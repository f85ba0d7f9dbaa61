import { ImageError, readPngTexts, withPngTexts } from '@unicharacter/core';
import { invalidRequest } from '../errors.js';
import { asVersion, CARD_FORMATS, type CharacterCard, parseCard } from './character-card.js';

/** Keywords of the text chunks that hold a card as base64, the newer version first. */
const V3 = 'ccv3';
const V2 = 'chara';

/** The card in a PNG. @throws ApiError 400 when there is none */
export function cardOfPng(png: Uint8Array): CharacterCard {
  const texts = textsOf(png);
  const encoded = texts[V3] ?? texts[V2];
  if (encoded === undefined) {
    throw invalidRequest(
      `Expected a PNG that holds ${CARD_FORMATS}, found one without the text chunks "${V3}" and "${V2}".`,
      'file',
      'invalid_card',
    );
  }
  return parseCard(Buffer.from(encoded, 'base64').toString('utf8'));
}

function textsOf(png: Uint8Array): Readonly<Record<string, string>> {
  try {
    return readPngTexts(png);
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    throw invalidRequest(`The PNG cannot be read: ${error.message}.`, 'file', 'invalid_card');
  }
}

/** The PNG with the card in it, for readers of both versions; cards that were in it are replaced. */
export function pngWithCard(png: Uint8Array, card: CharacterCard): Buffer {
  const base64 = (text: string): string => Buffer.from(text, 'utf8').toString('base64');
  return withPngTexts(png, { [V3]: base64(asVersion(card, 3)), [V2]: base64(asVersion(card, 2)) });
}
