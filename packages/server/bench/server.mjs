/**
 * The server of the programs of this folder: one run, an embedded database, everything else in the folder given. Says its
 * address and serves until it is killed. Its engine is started again however often it is killed.
 */
import { characterOfRun } from '@unicharacter/core';
import { buildServer, EngineProcess, listen, openState } from '../dist/index.js';

const [folder, run] = process.argv.slice(2);
const engine = new EngineProcess({ restart: { crashes: Number.POSITIVE_INFINITY } });
const { name, description, opening } = characterOfRun(run);
const state = await openState({ folder: `${folder}/state` });
const app = await buildServer([{ name, description, opening, open: () => engine.open(run) }], {
  state,
  pictures: `${folder}/pictures`,
  engine,
});
process.once('SIGTERM', async () => {
  await app.close();
  await state.close();
});
process.stdout.write(`${await listen(app, { host: '127.0.0.1', port: 0, hasKeys: false })}\n`);
