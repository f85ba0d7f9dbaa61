import { inRoot } from './root.mjs';
import { run } from './run-command.mjs';

/** Runs nx with the given arguments, without its background process. */
export async function nx(...args) {
  await run(inRoot('node_modules', '.bin', 'nx'), args, { env: { NX_DAEMON: 'false' } });
}
