import type { ServedEngine } from './engine/served-engine.js';
import { ApiError } from './errors.js';

/** An engine with its weights in memory. */
export type OpenEngine = ServedEngine & { dispose(): void };

/** A trained character that can be opened. */
export interface ServedCharacter {
  readonly name: string;
  readonly description: string;
  /** What the character says first; '' when it waits. */
  readonly opening: string;
  /** Path of a PNG that shows the character. */
  readonly portrait?: string;
  /** Loads the weights. */
  open(): Promise<OpenEngine>;
}

/** A character under the model id that clients use. */
export interface ShelvedCharacter extends ServedCharacter {
  readonly id: string;
}

/**
 * The characters of a server. One model id is one character, so that a client's list of models is its list of
 * characters. The weights of one character at a time are in memory.
 */
export class CharacterShelf {
  private readonly characters = new Map<string, ShelvedCharacter>();
  private loaded: { id: string; engine: Promise<OpenEngine> } | undefined;

  constructor(characters: readonly ServedCharacter[]) {
    for (const character of characters) this.add(character, this.freeId(modelId(character.name)));
  }

  /** Puts one more character on the shelf, at any time. */
  add(character: ServedCharacter, id: string): void {
    this.characters.set(id, { ...character, id });
  }

  has(id: string): boolean {
    return this.characters.has(id);
  }

  list(): ShelvedCharacter[] {
    return [...this.characters.values()];
  }

  /**
   * The character of a request; the only one or the first when the client names none.
   * @throws ApiError 404
   */
  find(id: string | undefined, param = 'model'): ShelvedCharacter {
    const [first] = this.characters.keys();
    const character = this.characters.get(id || (first ?? ''));
    if (character) return character;
    const known = [...this.characters.keys()].map((key) => `"${key}"`).join(', ');
    throw new ApiError(
      404,
      'not_found_error',
      first === undefined
        ? 'This server has no trained character yet; train one first.'
        : `The model "${id}" does not exist; this server has ${known}.`,
      {
        param,
        code: 'model_not_found',
      },
    );
  }

  /** Id of the character whose weights are in memory. */
  get loadedId(): string | undefined {
    return this.loaded?.id;
  }

  /**
   * The engine of a character. Puts away the one that was in memory, so it must only be called while no request to
   * another character is being worked on.
   */
  async engine({ id, open }: ShelvedCharacter): Promise<ServedEngine> {
    if (this.loaded?.id === id) return this.loaded.engine;
    await this.close();
    const opening = { id, engine: open() };
    this.loaded = opening;
    try {
      return await opening.engine;
    } catch (error) {
      // The next request tries again.
      if (this.loaded === opening) this.loaded = undefined;
      throw error;
    }
  }

  /** Frees the weights in memory. */
  async close(): Promise<void> {
    const engine = await this.loaded?.engine.catch(() => undefined);
    this.loaded = undefined;
    engine?.dispose();
  }

  private freeId(id: string): string {
    if (!this.characters.has(id)) return id;
    for (let number = 2; ; number++) {
      if (!this.characters.has(`${id}-${number}`)) return `${id}-${number}`;
    }
  }
}

/** `Mimi Moss` → `unicharacter/mimi-moss`. */
export function modelId(characterName: string): string {
  const slug = characterName
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .replace(/^-+|-+$/g, '');
  return `unicharacter/${slug || 'character'}`;
}
