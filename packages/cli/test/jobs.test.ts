/** `unicharacter jobs` against a server that trains. */
import { join } from 'node:path';
import { characterOfRun } from '@unicharacter/core';
import { buildServer, EngineProcess, listen, openState } from '@unicharacter/server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from '../src/run-command.js';
import { makeTinyBase, OLMO, TINY } from './e2e/support.js';
import { FakeTerminal } from './fake-terminal.js';
import { temporaryFolder } from './temporary-folder.js';

const folder = temporaryFolder();

describe('jobs', () => {
  const env: NodeJS.ProcessEnv = { UNICHARACTER_API_KEY: 'secret' };
  let close: () => Promise<void>;
  beforeAll(async () => {
    const state = await openState({});
    const engine = new EngineProcess();
    const app = await buildServer([], {
      state,
      engine,
      apiKeys: ['secret'],
      uploads: join(folder, 'uploads'),
      pictures: join(folder, 'pictures'),
      training: {
        runs: join(folder, 'runs'),
        bases: { tiny: makeTinyBase(folder) },
        pollSeconds: 0.1,
        serve: (run) => ({ ...characterOfRun(run), open: () => engine.open(run) }),
      },
    });
    env.UNICHARACTER_URL = await listen(app, { host: '127.0.0.1', port: 0, hasKeys: true });
    close = async () => {
      await app.close();
      await state.close();
    };
  });
  afterAll(() => close());

  async function jobs(...args: string[]) {
    const terminal = new FakeTerminal(false, 200, '');
    const code = await runCommand(['jobs', ...args], { terminal, env, cwd: folder });
    return { code, out: terminal.stdout, err: terminal.stderr };
  }

  it('are created from a folder, watched to their end, and listed with their model', async () => {
    expect((await jobs('list')).out).toBe('No jobs yet.\n');
    expect((await jobs('models')).out).toMatch(/tiny +\d+.* no/);
    const dry = await jobs('create', '--data', OLMO, ...TINY, '--dry-run');
    expect(dry.code).toBe(0);
    expect(dry.out).toMatch(/stages +vae 6, sft 16/);
    const made = await jobs('create', '--data', OLMO, ...TINY, '--consent', '--suffix', 'cli', '--watch');
    expect(made.code).toBe(0);
    const id = /^ftjob-[0-9a-f]{24}/.exec(made.out)![0];
    expect(made.out).toMatch(/sft 16\/16 100%/);
    expect(made.out).toMatch(/The job has made the model unicharacter\/olmo-cli-[0-9a-f]{8}/);
    expect((await jobs('list')).out).toMatch(
      new RegExp(`${id} +Olmo +tiny +succeeded +unicharacter/olmo-cli-`),
    );
    const shown = await jobs('show', id);
    expect(shown.out).toMatch(/status +succeeded/);
    expect(shown.out).toMatch(/loss total +\d/);
    const again = await jobs('cancel', id);
    expect([again.code, again.err]).toEqual([
      2,
      'error: A job that is succeeded cannot be asked to cancel.\n',
    ]);
  });

  it('say what is wrong', async () => {
    const wrong: [string[], number, string][] = [
      [['create'], 2, 'Name what to train on'],
      [['create', '--data', 'nowhere'], 2, 'does not exist'],
      [['create', '--data', OLMO], 2, 'metadata.consent'],
      [['create', '--data', OLMO, '--consent', '--set', 'sft.stepz=3'], 2, 'did you mean'],
      [['create', '--data', OLMO, '--consent', '--model', 'gpt-9'], 2, 'this server has "tiny"'],
      [['show', 'ftjob-000000000000000000000000'], 2, 'There is no fine-tuning job'],
      [['list', '--api-key', 'guess'], 2, 'not one of this server'],
      [['list', '--url', 'http://127.0.0.1:1'], 1, 'No server answers at http://127.0.0.1:1'],
    ];
    for (const [args, code, message] of wrong) {
      const result = await jobs(...args);
      expect([args, result.code, result.err]).toEqual([args, code, expect.stringContaining(message)]);
    }
  });
});
