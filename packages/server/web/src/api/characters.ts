import { get } from './request.js';

/** A character that talks: one of the server's models. */
export interface Character {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly opening: string;
  /** Address of a picture, or null. */
  readonly portrait: string | null;
}

export async function fetchCharacters(): Promise<Character[]> {
  return (await get<{ data: Character[] }>('/v1/characters')).data;
}
