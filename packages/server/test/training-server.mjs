/** A server that trains, with everything in the folder given; says its address and serves until it is killed. */
import { characterOfRun } from '@unicharacter/core';
import { buildServer, EngineProcess, listen, openState } from '../dist/index.js';

const [folder, base] = process.argv.slice(2);
const state = await openState({ folder: `${folder}/state` });
const engine = new EngineProcess();
const app = await buildServer([], {
  state,
  engine,
  uploads: `${folder}/uploads`,
  pictures: `${folder}/pictures`,
  training: {
    runs: `${folder}/runs`,
    bases: { tiny: base },
    pollSeconds: 0.1,
    serve: (run) => {
      const { name, description, opening } = characterOfRun(run);
      return { name, description, opening, open: () => engine.open(run) };
    },
  },
});
process.stdout.write(`${await listen(app, { host: '127.0.0.1', port: 0, hasKeys: false })}\n`);
