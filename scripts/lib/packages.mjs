import { existsSync, readFileSync } from 'node:fs';
import { inRoot } from './root.mjs';
import { runQuietly } from './run-command.mjs';

/** Installs the npm packages of the lock file, unless exactly these are installed already. */
export async function ensurePackages() {
  const difference = packageDifference();
  if (difference === undefined) {
    console.log('      packages are up to date');
    return;
  }
  console.log(`      npm ci (${difference})`);
  await runQuietly('npm', ['ci', '--no-audit', '--no-fund']);
}

/** Why `node_modules` is not what `package-lock.json` says, or undefined when it is. */
function packageDifference() {
  const hidden = inRoot('node_modules', '.package-lock.json');
  if (!existsSync(hidden)) return 'not installed yet';
  const wanted = readPackages(inRoot('package-lock.json'));
  const installed = readPackages(hidden);
  for (const [path, entry] of Object.entries(wanted)) {
    if (!path.startsWith('node_modules/')) continue;
    const found = installed[path];
    if (found === undefined) {
      if (!entry.optional) return `${path} is missing`;
    } else if (found.version !== entry.version || found.integrity !== entry.integrity) {
      return `${path} has another version`;
    }
  }
  return undefined;
}

const readPackages = (path) => JSON.parse(readFileSync(path, 'utf8')).packages;
