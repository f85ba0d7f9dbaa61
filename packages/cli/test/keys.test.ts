import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runCommand } from '../src/run-command.js';
import { FakeTerminal } from './fake-terminal.js';
import { temporaryFolder } from './temporary-folder.js';

const folder = temporaryFolder();

async function keys(...args: string[]) {
  const terminal = new FakeTerminal(false, 80, '');
  const code = await runCommand(['keys', ...args, '--state', 'state'], { terminal, env: {}, cwd: folder });
  return { code, out: terminal.stdout, err: terminal.stderr };
}

it('makes a key that is shown once, lists it and revokes it', async () => {
  const made = await keys('create', '--name', 'phone', '--requests-per-minute', '30');
  expect(made.code).toBe(0);
  expect(made.out).toMatch(/^uc-[\w-]{43}\n$/);
  const id = /^key_[0-9a-f]{12}/.exec(made.err)![0];
  const listed = await keys('list');
  expect(listed.out).toMatch(new RegExp(`${id} +phone +30 +- +\\d{4}-\\d\\d-\\d\\d +-`));
  expect(listed.out).not.toContain(made.out.trim());
  expect(await keys('revoke', id)).toMatchObject({ code: 0, out: `${id} is not accepted any more.\n` });
  expect(await keys('revoke', id)).toMatchObject({ code: 2 });
});

it('says which process has the state open', async () => {
  writeFileSync(join(folder, 'state', 'state.lock'), String(process.ppid));
  const { code, err } = await keys('list');
  expect(code).toBe(2);
  expect(err).toContain(`process ${process.ppid} has this state open`);
});
