import type { Turn } from '@unicharacter/core';
import type { Message } from './chat-schema.js';
import { decodeDataUrl } from './data-url.js';
import { invalidRequest } from './errors.js';

/** What a list of chat messages asks of the character. */
export interface Conversation {
  /** What the user says now. */
  user: string;
  /** Bytes of the picture in the user's last turn. */
  image?: Uint8Array;
  /** Earlier turns, oldest first. */
  history: Turn[];
  /** What the character has begun to answer and is to go on with. */
  begin?: string;
}

interface RichTurn extends Turn {
  role: 'user' | 'assistant';
  images: { url: string; param: string }[];
}

const IMAGE_QUESTION = 'What do you see in this picture?';

/**
 * Reads OpenAI chat messages. Consecutive messages of one role become one turn; system, developer and tool messages
 * are left out, because the persona stands in the trained character and not in the prompt. Pictures of earlier turns
 * are left out too: the model answers to one picture at a time. An assistant message at the end is the beginning of the
 * answer.
 * @throws ApiError 400 that names the message and field.
 */
export function readConversation(messages: readonly Message[]): Conversation {
  const turns = mergeTurns(messages);
  const begin = turns.at(-1)?.role === 'assistant' ? turns.pop()?.text : undefined;
  const last = turns.at(-1);
  if (last?.role !== 'user') {
    throw invalidRequest('Expected a user message for the character to answer, found none.', 'messages');
  }
  const image = onlyImage(last);
  const text = last.text.trim();
  if (text === '' && image === undefined) {
    throw invalidRequest('The last user message has neither text nor an image.', 'messages');
  }
  const history = turns
    .slice(0, -1)
    .flatMap(({ role, text }) => (text.trim() === '' ? [] : [{ role, text }]));
  return {
    ...(image === undefined ? { user: text } : { user: text || IMAGE_QUESTION, image }),
    history,
    ...(begin ? { begin } : {}),
  };
}

function mergeTurns(messages: readonly Message[]): RichTurn[] {
  const turns: RichTurn[] = [];
  for (const [index, message] of messages.entries()) {
    if (message.role !== 'user' && message.role !== 'assistant') continue;
    const turn = readMessage(message.role, message, `messages[${index}]`);
    const previous = turns.at(-1);
    if (previous?.role === turn.role) {
      previous.text = [previous.text, turn.text].filter((text) => text !== '').join('\n');
      previous.images.push(...turn.images);
    } else {
      turns.push(turn);
    }
  }
  return turns;
}

function readMessage(role: RichTurn['role'], message: Message, path: string): RichTurn {
  const { content } = message;
  if (content === undefined || content === null) return { role, text: '', images: [] };
  if (typeof content === 'string') return { role, text: content, images: [] };
  const text: string[] = [];
  const images: RichTurn['images'] = [];
  for (const [index, part] of content.entries()) {
    if (part.type === 'text') text.push(part.text);
    else images.push({ url: part.image_url.url, param: `${path}.content[${index}].image_url.url` });
  }
  return { role, text: text.join('\n'), images };
}

function onlyImage({ images }: RichTurn): Uint8Array | undefined {
  if (images.length > 1) {
    throw invalidRequest(
      `Expected at most one image in the user's turn, found ${images.length}.`,
      images[1]?.param,
    );
  }
  const [image] = images;
  return image && decodeDataUrl(image.url, image.param);
}
