import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodePng, solidImage } from '@unicharacter/core';
import { afterEach, describe, expect, it } from 'vitest';
import { type Fault, type StandIn, standIn } from '../../core/test/chat-stand-in.js';
import { runCommand } from '../src/run-command.js';
import { fakeCore } from './fake-core.js';
import { FakeTerminal } from './fake-terminal.js';
import { temporaryFolder } from './temporary-folder.js';

const folder = temporaryFolder();
mkdirSync(join(folder, 'pictures'));
writeFileSync(join(folder, 'pictures/red.png'), await encodePng(solidImage(64, 64, [200, 0, 0])));
writeFileSync(join(folder, 'pip.md'), '# Pip\nA red square that says hm.\n');

const servers: StandIn[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function call(args: string[], env: Record<string, string> = {}) {
  const terminal = new FakeTerminal();
  const code = await runCommand(args, { terminal, env, cwd: folder, ...fakeCore() });
  return { code, out: terminal.stdout, err: terminal.stderr };
}

async function serve(fault?: Fault) {
  const server = await standIn(() => fault);
  servers.push(server);
  return server;
}

const small = ['--dialogues', '4', '--knowledge', '2', '--questions', '2', '--prompts', '2'];
const annotate = (...more: string[]) => [
  'annotate',
  'pictures',
  '--profile',
  'pip.md',
  '--out',
  'data',
  ...small,
  ...more,
];

describe('annotate', () => {
  it('estimates, then writes a folder that the doctor passes, then has nothing to ask', async () => {
    const { url, requests } = await serve();
    const env = { OPENAI_BASE_URL: url, MY_KEY: 'secret' };
    const prices = ['--price-in', '100', '--price-out', '200', '--model', 'eyes', '--key-env', 'MY_KEY'];
    const plan = await call(annotate(...prices, '--dry-run'), env);
    expect(plan.out).toMatch(
      /^10 questions, 0 of them answered already; 4 pictures are sent\.\nAbout .*, costs \d+\.\d\d;/,
    );
    expect(requests).toHaveLength(0);
    expect(existsSync(join(folder, 'data'))).toBe(false);

    const { code, out } = await call(annotate(...prices), env);
    expect(out).toContain('0 errors, 0 warnings');
    expect(out).toContain('10 questions asked, 1000 tokens sent, 100 written, costs 0.12;');
    expect(out).toContain('Training folder: data/data/personalized_data/train/Pip\n');
    expect(code).toBe(0);
    expect(requests).toHaveLength(10);

    const file = join(folder, 'data/data/personalized_data/train/Pip/annotation.json');
    writeFileSync(file, readFileSync(file, 'utf8').replace('"opening": "', '"opening": "Hm. '));
    const again = await call(annotate(...prices), env);
    expect(again.out).toContain(
      'Left as you changed it: data/data/personalized_data/train/Pip/annotation.json (delete it',
    );
    expect(again.out).toContain('0 questions asked');
    expect(requests).toHaveLength(10);
  });

  it('takes a character card as profile', async () => {
    const { url, requests } = await serve();
    const data = {
      name: 'Pip',
      description: 'A red square.',
      personality: 'Says hm.',
      mes_example: '{{user}}: Hi\n{{char}}: Hm.',
    };
    writeFileSync(
      join(folder, 'card.json'),
      JSON.stringify({ spec: 'chara_card_v2', spec_version: '2.0', data }),
    );
    const { code, out } = await call(
      annotate('--profile', 'card.json', '--out', 'card', '--url', url, '--model', 'eyes'),
    );
    expect([code, out]).toEqual([0, expect.stringContaining('10 questions asked')]);
    expect(requests[0]!.messages[0]!.content).toContain('A red square.\nSays hm.');
    expect(requests[0]!.messages[0]!.content).toContain('- "Hi" - "Hm."');
    const broken = await call(
      annotate('--profile', 'pictures/red.png', '--out', 'card', '--url', url, '--model', 'eyes'),
    );
    expect([broken.code, broken.err]).toEqual([2, expect.stringContaining('a character card')]);
  });

  it('says what is missing or refused', async () => {
    expect(await call(annotate('--model', 'eyes'))).toMatchObject({
      code: 2,
      err: expect.stringContaining('--url'),
    });
    const { url } = await serve((_, response) => {
      response.writeHead(401).end('no');
      return true;
    });
    const noModel = await call(annotate('--url', url));
    expect(noModel).toMatchObject({ code: 2, err: expect.stringContaining('--model') });
    const refused = await call(annotate('--url', url, '--model', 'eyes', '--out', 'refused'));
    expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('status 401: no; check the key') });
  });
});
