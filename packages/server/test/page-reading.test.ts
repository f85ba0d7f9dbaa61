/** What the page makes of files and events, without a browser. */
import { describe, expect, it } from 'vitest';
import type { EventData } from '../web/src/api/jobs.js';
import { alternatives, branch, latestBelow, type StoredMessage } from '../web/src/chat/message-tree.js';
import { kindOf } from '../web/src/create/dropped-file.js';
import { readDialogues } from '../web/src/create/read-dialogues.js';
import { inPlainWords } from '../web/src/shared/task-words.js';
import { smoothed } from '../web/src/training/curve.js';
import { wishOf } from '../web/src/training/settings.js';
import { RecordBook } from '../web/src/training/training-record.js';

describe('dialogues are read from', () => {
  const expected = [
    { user: 'Hello', reply: 'Peep!' },
    { user: 'Bye', reply: 'Farewell.' },
  ];
  it.each([
    ['text', 'User: Hello\nRobin: Peep!\n<START>\n{{user}}: Bye\n{{char}}: Farewell.'],
    ['pairs', JSON.stringify(expected)],
    ['a character', JSON.stringify({ name: 'Robin', dialogues: expected })],
    [
      'chat messages, a conversation a line',
      [expected[0]!, expected[1]!]
        .map(({ user, reply }) =>
          JSON.stringify({
            messages: [
              { role: 'system', content: 'x' },
              { role: 'user', content: user },
              { role: 'assistant', content: reply },
            ],
          }),
        )
        .join('\n'),
    ],
    [
      'a RoleScape folder',
      JSON.stringify({
        scenes: expected.map(({ user, reply }) => [
          { role: 'user', text: user },
          { role: 'machine', text: reply },
        ]),
      }),
    ],
    [
      'conversations with from and value',
      JSON.stringify([
        {
          conversations: expected.flatMap(({ user, reply }) => [
            { from: 'human', value: user },
            { from: 'gpt', value: reply },
          ]),
        },
      ]),
    ],
  ])('%s', (_, text) => expect(readDialogues(text)).toEqual(expected));

  it('lines without a name go on with what was said', () => {
    expect(readDialogues('You: Hi\nRobin: One.\nTwo.')).toEqual([{ user: 'Hi', reply: 'One.\nTwo.' }]);
  });

  it.each([
    ['nothing that talks', 'A poem\nwithout speakers', 'No dialogue was found'],
    ['a broken line', '{"user":"a","reply":"b"}\n{"user"', 'Line 2 is no JSON'],
  ])('but not from %s', (_, text, message) => expect(() => readDialogues(text)).toThrow(message));
});

it('a dropped file is known by its content', async () => {
  const chunk = (type: string, data: string) => {
    const bytes = Buffer.alloc(12 + data.length);
    bytes.writeUInt32BE(data.length);
    bytes.write(type + data, 4, 'latin1');
    return bytes;
  };
  const png = (...chunks: Buffer[]) => Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), ...chunks]);
  const kind = (content: string | Buffer, type = '') =>
    kindOf(new File([typeof content === 'string' ? content : new Uint8Array(content)], 'x', { type }));
  expect(await kind(png(chunk('IHDR', 'x'.repeat(13)), chunk('tEXt', 'chara\0abc')))).toBe('card');
  expect(await kind(png(chunk('IHDR', 'x'.repeat(13)), chunk('tEXt', 'Comment\0abc')))).toBe('picture');
  expect(await kind('PK\x03\x04rest')).toBe('card');
  expect(await kind('\xff\xd8', 'image/jpeg')).toBe('picture');
  expect(await kind('{ "spec" : "chara_card_v3" }')).toBe('card');
  expect(await kind('[{"user":"a"}]')).toBe('text');
});

it('a conversation is the way to its head, and a branch ends where it was left', () => {
  const message = (id: string, parent: string | null, role: StoredMessage['role']): StoredMessage => ({
    ...{ id, parent, role, content: id, picture: null },
  });
  const all = [
    message('a', null, 'user'),
    message('b', 'a', 'assistant'),
    message('c', 'b', 'user'),
    message('b2', 'a', 'assistant'),
  ];
  const ids = (messages: readonly StoredMessage[]) => messages.map(({ id }) => id);
  expect(ids(branch(all, 'b2'))).toEqual(['a', 'b2']);
  expect(ids(alternatives(all, all[1]!))).toEqual(['b', 'b2']);
  expect(latestBelow(all, all[1]!)).toBe('c');
});

it('a training that goes on from a checkpoint repeats its steps once', () => {
  const step = (at: number): EventData => ({
    ...{ kind: 'step', stage: 'sft', step: at, total_steps: 9 },
    ...{ losses: { ce: at }, tokens_per_second: 1, eta_seconds: 1 },
  });
  const told: EventData[] = [
    step(1),
    step(2),
    step(3),
    { kind: 'resume', stage: 'sft', step: 1 },
    step(2),
    { kind: 'status', status: 'failed', error: { message: 'no memory' } },
  ];
  const book = new RecordBook();
  const add = (data: EventData, index: number) =>
    book.add({ id: String(index), level: 'info', message: data.kind, data });
  for (const [index, data] of told.entries()) add(data, index);
  const record = book.snapshot;
  add(step(3), told.length);
  expect(record.steps.map((one) => one.step)).toEqual([1, 2]);
  expect([record.status, record.failure, record.message]).toEqual(['failed', 'no memory', 'status']);
});

it('a curve is smoothed without a pull at its beginning, and around what is no number', () => {
  expect(
    smoothed([
      [1, 5],
      [2, 3],
    ]),
  ).toEqual([
    [1, 5],
    [2, 3],
  ]);
  const long = smoothed(Array.from({ length: 100 }, (_, index) => [index, index === 50 ? Number.NaN : 2]));
  expect(long.every(([, value]) => Math.abs(value - 2) < 1e-9)).toBe(true);
});

it('settings that nobody touched are left to the server', () => {
  const settings = { model: 'm', rewards: true, epochs: '3', batch: '', rate: '', seed: '7', config: '' };
  expect(wishOf('char_1', settings)).toEqual({
    ...{ model: 'm', character: 'char_1', seed: 7 },
    method: { type: 'reinforcement', reinforcement: { hyperparameters: { n_epochs: 3 } } },
  });
  expect(() => wishOf('char_1', { ...settings, config: '[1]' })).toThrow('expected a JSON object');
});

it('tasks that the data have nothing for are one remark in plain words', () => {
  const finding = (message: string) => ({ severity: 'warning' as const, file: '', field: '', message });
  const nothing = (task: string) =>
    finding(`nothing to train the task ${task} with, although the mix asks for it`);
  expect(inPlainWords([nothing('vqa'), finding('is tiny'), nothing('t2i')])).toEqual([
    finding('is tiny'),
    {
      severity: 'info',
      message: 'The data have nothing to teach these with: looking at pictures, drawing.',
    },
  ]);
});
