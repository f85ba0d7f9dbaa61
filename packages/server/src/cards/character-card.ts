import { invalidRequest } from '../errors.js';

/**
 * A character card of the community's formats (V2: spec "chara_card_v2", V3: spec "chara_card_v3"). `text` is the JSON as it
 * came: exports repeat it byte for byte, whatever fields it has.
 */
export interface CharacterCard {
  readonly version: 2 | 3;
  readonly text: string;
  readonly data: Readonly<Record<string, unknown>>;
}

const SPECS: Readonly<Record<string, 2 | 3>> = { chara_card_v2: 2, chara_card_v3: 3 };
export const CARD_FORMATS = 'a character card (V2 or V3)';

/** Longest card; lore books are long. */
const MAX_CARD = 16 * 2 ** 20;

/** @throws ApiError 400 for what is no card, or one without a name */
export function parseCard(text: string): CharacterCard {
  if (text.length > MAX_CARD) throw noCard(`${text.length} characters, the limit is ${MAX_CARD}`);
  const value = parseJson(text);
  if (!isRecord(value)) throw noCard('JSON that is no object');
  const version = SPECS[String(value.spec)];
  if (version === undefined || !isRecord(value.data)) {
    throw noCard(`JSON with spec ${JSON.stringify(value.spec)?.slice(0, 60)}`);
  }
  const card = { version, text, data: value.data };
  if (cardText(card, 'name') === '') throw noCard('a card without a name');
  return card;
}

/** A text field; '' when it is absent or something else, as many cards have it. */
export function cardText({ data }: CharacterCard, field: string): string {
  const value = data[field];
  return typeof value === 'string' ? value.trim() : '';
}

/** The members of a list that are objects. */
export function cardList(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

/** The card for readers of the other version: V3 adds one required list to V2, and V2 readers skip what they do not know. */
export function asVersion(card: CharacterCard, version: 2 | 3): string {
  if (card.version === version) return card.text;
  const data = version === 3 ? { group_only_greetings: [], ...card.data } : card.data;
  return JSON.stringify({ spec: `chara_card_v${version}`, spec_version: `${version}.0`, data });
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\ufeff/, ''));
  } catch (error) {
    throw noCard(`no JSON (${error instanceof Error ? error.message : error})`);
  }
}

const noCard = (found: string) =>
  invalidRequest(`Expected ${CARD_FORMATS}, found ${found}.`, 'file', 'invalid_card');
