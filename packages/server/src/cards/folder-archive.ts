import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { zipSync } from 'fflate';

/**
 * The ZIP of a character folder as the server takes it. Hidden files stay out.
 * @throws the file system's error when something cannot be read
 */
export function archiveOfFolder(folder: string): Buffer {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  const files = names.filter((name) => !/(^|\/)\./.test(name) && statSync(join(folder, name)).isFile());
  const entries = files.map(
    (name) => [`${basename(folder)}/${name}`, readFileSync(join(folder, name))] as const,
  );
  // Pictures are compressed already.
  return Buffer.from(zipSync(Object.fromEntries(entries), { level: 1 }));
}
