import { readEvents } from './event-stream.js';
import { post, RequestError } from './request.js';

/** What one side of a conversation says; `picture` is a data address that the character is to look at. */
export interface Message {
  readonly role: 'user' | 'assistant';
  readonly content: string;
  readonly picture?: string;
}

interface Chunk {
  choices?: { delta?: { content?: string; images?: { image_url: { url: string } }[] } }[];
  error?: { message: string };
}

/**
 * Lets the character answer; `onText` gets the words as they come. After an assistant message at the end only what goes on
 * from it comes. Answers the picture as a data address, if one was drawn.
 */
export async function streamReply(
  model: string,
  messages: readonly Message[],
  withPicture: boolean,
  onText: (piece: string) => void,
  signal: AbortSignal,
): Promise<string | undefined> {
  const modalities = withPicture ? ['text', 'image'] : ['text'];
  const body = { model, messages: messages.map(asSent), modalities, stream: true };
  const response = await post('/v1/chat/completions', body, signal);
  let picture: string | undefined;
  for await (const data of readEvents(response)) {
    const { choices, error } = JSON.parse(data) as Chunk;
    if (error) throw new RequestError(error.message, 500);
    const delta = choices?.[0]?.delta;
    if (delta?.content) onText(delta.content);
    picture = delta?.images?.[0]?.image_url.url ?? picture;
  }
  return picture;
}

function asSent({ role, content, picture }: Message): object {
  if (picture === undefined) return { role, content };
  const parts = [{ type: 'image_url', image_url: { url: picture } }];
  return { role, content: content === '' ? parts : [{ type: 'text', text: content }, ...parts] };
}
