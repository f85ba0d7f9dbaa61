import { type CharacterCard, cardList, cardText } from './character-card.js';

/** A picture of the card by the name of its file without ending, and what it shows. */
export interface CardPicture {
  readonly id: string;
  /** The asset's name, such as an expression; '' for the main picture. */
  readonly shows: string;
}

interface Turn {
  role: string;
  text: string;
}

/**
 * The `character.yaml` of a card (JSON is YAML): what it tells about the character, its greeting, its example dialogues, its
 * book as knowledge, and a line for every picture. The creator's notes never reach the model; they stay as `profile`.
 */
export function characterYaml(card: CharacterCard, pictures: readonly CardPicture[]): string {
  const name = cardText(card, 'name');
  const plain = (field: string): string => withoutMacros(cardText(card, field), name);
  const about = ['description', 'personality', 'scenario'].map(plain).filter((part) => part !== '');
  const [opening, notes] = [plain('first_mes'), plain('creator_notes')];
  const character = {
    name,
    description: about.join('\n') || `${name}.`,
    ...(opening === '' ? {} : { opening }),
    ...(notes === '' ? {} : { profile: notes }),
    dialogues: exampleDialogues(cardText(card, 'mes_example'), name),
    knowledge: knowledge(card, name),
    t2i: pictures.map(({ id, shows }) => ({
      image: id,
      instruction: shows === '' ? `A picture of ${name}` : `${name}, ${shows}`,
    })),
  };
  return `${JSON.stringify(character, null, 1)}\n`;
}

/** `{{char}}` and `{{user}}`, and their old spellings, as words. */
export function withoutMacros(text: string, name: string): string {
  return text
    .replace(/\{\{char\}\}|<bot>/gi, () => name)
    .replace(/\{\{user\}\}|<user>/gi, 'the user')
    .trim();
}

/** Examples are separated by `<START>`; lines that begin with `{{user}}:` or `{{char}}:` change the speaker. */
export function exampleDialogues(examples: string, name: string) {
  return examples.split(/<START>/i).flatMap((example) => {
    const turns = turnsOf(example, name);
    return turns.flatMap(({ role, text }, index) => {
      const asked = turns[index - 1];
      if (role !== name || asked?.role !== 'user') return [];
      const history = turns.slice(0, index - 1);
      return [{ user: asked.text, reply: text, ...(history.length > 0 ? { history } : {}) }];
    });
  });
}

function turnsOf(example: string, name: string): Turn[] {
  const turns: Turn[] = [];
  for (const line of example.split('\n')) {
    const match = /^\s*(?:(\{\{user\}\}|<user>)|(\{\{char\}\}|<bot>)|([^:]{1,100}))\s*:(.*)$/i.exec(line);
    const [, user, character, other, words = ''] = match ?? [];
    const speaks = user !== undefined || character !== undefined || other?.trim() === name;
    if (match && speaks) turns.push({ role: user === undefined ? name : 'user', text: words });
    else if (turns.length > 0) turns.at(-1)!.text += `\n${line}`;
  }
  return turns
    .map(({ role, text }) => ({ role, text: withoutMacros(text, name) }))
    .filter(({ text }) => text !== '');
}

/** The entries of the card's book, asked for by their first key. */
function knowledge(card: CharacterCard, name: string) {
  const book = card.data.character_book;
  const entries = typeof book === 'object' && book !== null && 'entries' in book ? book.entries : [];
  return cardList(entries).flatMap(({ keys, content, enabled }) => {
    const key: unknown = Array.isArray(keys) ? keys[0] : undefined;
    if (enabled === false || typeof key !== 'string' || typeof content !== 'string') return [];
    const answer = withoutMacros(content, name);
    return key.trim() === '' || answer === '' ? [] : [{ question: `What about ${key.trim()}?`, answer }];
  });
}
