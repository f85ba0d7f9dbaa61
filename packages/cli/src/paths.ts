import { isAbsolute, resolve } from 'node:path';

/**
 * The folder that relative paths on the command line start from: where the user stood. npm and nx change to the root
 * of the workspace before they run a command and leave the user's folder in `INIT_CWD`; only then it counts.
 */
export function userFolder(env: NodeJS.ProcessEnv, cwd: string): string {
  const movedTo = [env.NX_WORKSPACE_ROOT, env.npm_config_local_prefix];
  return env.INIT_CWD !== undefined && movedTo.includes(cwd) ? env.INIT_CWD : cwd;
}

/** A path from the command line as an absolute one. */
export const fromUser = (folder: string, path: string): string =>
  isAbsolute(path) ? path : resolve(folder, path);
