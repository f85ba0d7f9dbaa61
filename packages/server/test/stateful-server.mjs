/** A server with an embedded database in the folder given; says its address and serves until it is killed. */
import { buildServer, listen, openState } from '../dist/index.js';

const [folder] = process.argv.slice(2);
const state = await openState({ folder });
const nobody = {
  name: 'Mimi',
  description: '',
  opening: '',
  open: () => Promise.reject(new Error('no weights')),
};
const app = await buildServer([nobody], { pictures: `${folder}/pictures`, state });
process.stdout.write(`${await listen(app, { host: '127.0.0.1', port: 0, hasKeys: false })}\n`);
