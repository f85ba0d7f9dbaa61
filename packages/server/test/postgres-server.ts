import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { type OpenDatabase, openEmbedded, openServer } from '../src/state/database.js';

const DEBIAN = '/usr/lib/postgresql';

/** Folder of the installed PostgreSQL's programs; undefined where there is none. */
const programs = existsSync(DEBIAN)
  ? readdirSync(DEBIAN)
      .map((version) => join(DEBIAN, version, 'bin'))
      .find((folder) => existsSync(join(folder, 'initdb')))
  : undefined;

/** PostgreSQL refuses to run as root; root runs it as the user that Debian makes for it. */
const user = process.getuid?.() === 0 ? postgresUser() : {};

export const postgresInstalled = programs !== undefined && user !== undefined;

/** A PostgreSQL server of its own in a temporary folder, reached over a socket in it. */
export class PostgresServer {
  private readonly folder = mkdtempSync(join(tmpdir(), 'unicharacter-postgres-'));
  private server: ChildProcess | undefined;
  readonly url = `postgresql:///postgres?host=${encodeURIComponent(this.folder)}&user=tester`;

  constructor() {
    if (user?.uid !== undefined) chownSync(this.folder, user.uid, user.gid);
    const options = [
      '-D',
      join(this.folder, 'data'),
      '-U',
      'tester',
      '-A',
      'trust',
      '--no-sync',
      '-E',
      'UTF8',
    ];
    execFileSync(join(programs!, 'initdb'), options, { ...user, stdio: 'ignore' });
  }

  async start(): Promise<void> {
    const options = ['-D', join(this.folder, 'data'), '-k', this.folder, '-h', ''];
    this.server = spawn(join(programs!, 'postgres'), options, { ...user, stdio: 'ignore' });
    for (let tries = 0; ; tries++) {
      const client = new pg.Client({ connectionString: this.url });
      // A server that is starting may hang up after its answer.
      client.on('error', () => {});
      try {
        await client.connect();
        return await client.end();
      } catch (error) {
        if (tries === 200) throw error;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }

  /** Ends it at once, as a crash would. */
  async kill(): Promise<void> {
    const { server } = this;
    if (!server || server.exitCode !== null) return;
    const ended = new Promise((resolve) => server.once('exit', resolve));
    server.kill('SIGQUIT');
    await ended;
  }

  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The databases that tests of the state run on: the embedded one, and PostgreSQL where it is installed. */
export const databases: readonly (readonly [name: string, onServer: boolean])[] = [
  ['the embedded database', false],
  ...(postgresInstalled ? [['a PostgreSQL server', true] as const] : []),
];

/** An empty database of its own; `close` removes it. */
export async function openTestDatabase(onServer: boolean): Promise<OpenDatabase> {
  if (!onServer) return openEmbedded(undefined);
  const server = new PostgresServer();
  await server.start();
  const open = await openServer(server.url);
  const close = async () => {
    await open.close();
    await server.remove();
  };
  return { ...open, close };
}

function postgresUser(): { uid?: number; gid?: number } | undefined {
  try {
    const id = (option: string) => Number(execFileSync('id', [option, 'postgres'], { encoding: 'utf8' }));
    return { uid: id('-u'), gid: id('-g') };
  } catch {
    return undefined;
  }
}
