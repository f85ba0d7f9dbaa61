// Speed of every kernel: time, rate, share of what the machine can do, and ratio to the peers, all measured in this run.
//   npx nx run native:bench -- [--filter REGEXP] [--quick] [--peers cpu,wasm,onnxruntime,pytorch] [--json] [--log FILE]
// --json prints one JSON object per line instead of the table; --log writes both to a file, which summary.mjs reads.
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { cases } from './cases/index.mjs';
import { compare } from './compare.mjs';
import { Limits } from './limits.mjs';
import { aboutLine, machine } from './machine.mjs';
import { openPeer, PEER_NAMES } from './peers/index.mjs';
import { Report } from './report.mjs';
import { complaints, disturbed, notes, Table } from './table.mjs';

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    filter: { type: 'string', default: '' },
    peers: { type: 'string' },
    json: { type: 'boolean', default: false },
    log: { type: 'string' },
  },
});
const budget = options.quick ? 80 : 400;
const threads = availableParallelism();
const filter = new RegExp(options.filter, 'i');
const chosen = cases.filter(({ name }) => filter.test(name));
// Plain JavaScript alone would take most of a quick run.
const usual = options.quick ? PEER_NAMES.filter((name) => name !== 'cpu') : PEER_NAMES;
const wanted = options.peers?.split(',').filter((name) => name !== '') ?? usual;
const unknown = wanted.filter((name) => !PEER_NAMES.includes(name));
if (unknown.length > 0 || chosen.length === 0) {
  console.error(
    unknown.length > 0
      ? `Expected peers out of ${PEER_NAMES}, found ${unknown}`
      : `No case matches ${filter}; there are:\n  ${cases.map(({ name }) => name).join('\n  ')}`,
  );
  process.exit(2);
}

const report = new Report(options);
const say = (line) => report.say(line);

const about = machine(threads);
say(aboutLine(about));
say(`command: native:bench -- ${process.argv.slice(2).join(' ')}`);
const native = await openPeer('native', threads);
say(native.description);
if (native.process === undefined) process.exit(1);
const useful = wanted.filter((peer) => chosen.some((one) => one.peers.includes(peer)));
const opened = await Promise.all(useful.map(async (peer) => [peer, await openPeer(peer, threads)]));
for (const [, { description }] of opened) say(description);
const peers = new Map(opened.filter(([, peer]) => peer.process).map(([name, peer]) => [name, peer.process]));
const limits = new Limits(threads, budget);
say(limits.description);
say('every process keeps freed memory (glibc: no mmap, no trim), so that nobody pays for page faults');
say('× peer: its time over ours, above 1 where we are faster\n');
report.note({
  target: 'native:bench',
  machine: about,
  command: process.argv.slice(2),
  peers: opened.map(([, { description }]) => description),
});

const table = new Table([...peers.keys()], process.stdout.isTTY && !options.json);
say(table.head());
let wrong = 0;
for (const one of chosen) {
  const row = await compare(one, { native: native.process, peers, limits, budget });
  say(table.line(row));
  for (const line of notes(row)) say(`    ${line}`);
  const shared = disturbed(row);
  if (shared.length > 0) say(`    other programs used the machine meanwhile: ${shared.join(', ')}`);
  for (const complaint of complaints(row)) {
    wrong++;
    say(`    WRONG ${complaint}`);
  }
  report.note(row);
}
for (const peer of [native.process, ...peers.values()]) peer.close();
if (options.log !== undefined) writeFileSync(options.log, report.text());
if (wrong > 0) process.exitCode = 1;
