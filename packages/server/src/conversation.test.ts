import { describe, expect, it } from 'vitest';
import type { Message } from './chat-schema.js';
import { readConversation } from './conversation.js';
import { ApiError } from './errors.js';

const user = (content: Message['content']): Message => ({ role: 'user', content: content ?? null });
const assistant = (content: string): Message => ({ role: 'assistant', content });
const image = (url: string) => ({ type: 'image_url' as const, image_url: { url } });

function problem(messages: Message[]): ApiError {
  try {
    readConversation(messages);
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
  throw new Error('expected an error');
}

describe('readConversation', () => {
  it('splits the history from what is said now, without system messages', () => {
    const messages: Message[] = [
      { role: 'system', content: 'You are Mimi.' },
      user('Hi'),
      assistant('Hello!'),
      { role: 'system', content: 'Stay in character.' },
      user('How are you?'),
    ];
    expect(readConversation(messages)).toEqual({
      user: 'How are you?',
      history: [
        { role: 'user', text: 'Hi' },
        { role: 'assistant', text: 'Hello!' },
      ],
    });
  });

  it('joins messages of one role that follow each other', () => {
    expect(readConversation([user('One'), user([{ type: 'text', text: 'Two' }])])).toEqual({
      user: 'One\nTwo',
      history: [],
    });
  });

  it('takes an answer at the end for one that is to go on', () => {
    expect(readConversation([user('Hi'), assistant('Hello, my')])).toEqual({
      user: 'Hi',
      history: [],
      begin: 'Hello, my',
    });
  });

  it('takes the picture of the last turn only', () => {
    const png = Buffer.from([137, 80, 78, 71]).toString('base64');
    const earlier = user([{ type: 'text', text: 'Look' }, image('data:image/png;base64,AAAA')]);
    const now = user([image(`data:image/png;base64,${png}`), { type: 'text', text: 'And this?' }]);
    const conversation = readConversation([earlier, assistant('Nice'), now]);
    expect(conversation.user).toBe('And this?');
    expect([...(conversation.image ?? [])]).toEqual([137, 80, 78, 71]);
    expect(conversation.history).toHaveLength(2);
  });

  it('asks what is seen when a picture comes without words', () => {
    expect(readConversation([user([image('data:image/webp;base64,AAAA')])]).user).toBe(
      'What do you see in this picture?',
    );
  });

  it('names the field of an address that is not a data URL', () => {
    const error = problem([user([{ type: 'text', text: 'x' }, image('http://127.0.0.1/cat.png')])]);
    expect(error).toMatchObject({
      status: 400,
      param: 'messages[0].content[1].image_url.url',
      code: 'invalid_image_url',
    });
    expect(error.message).toContain('http://127.0.0.1/cat.png');
  });

  it('refuses two pictures, an empty turn and a reply at the end', () => {
    const url = 'data:image/png;base64,AAAA';
    expect(problem([user([image(url), image(url)])]).message).toContain('at most one image');
    expect(problem([user('  ')]).message).toContain('neither text nor an image');
    expect(problem([assistant('Hello')]).message).toContain('Expected a user message');
    expect(problem([{ role: 'system', content: 'x' }]).param).toBe('messages');
  });
});
