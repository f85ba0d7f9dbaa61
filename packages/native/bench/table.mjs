import { verdicts } from './bars.mjs';
import { columnOf, freeShare } from './peers/index.mjs';

const NAME = 58;
const bold = (text, on) => (on ? `\u001b[1m${text}\u001b[0m` : text);

/** Prints rows as they come. */
export class Table {
  #peers;
  #styled;

  constructor(peers, styled) {
    this.#peers = peers;
    this.#styled = styled;
  }

  head() {
    const peers = this.#peers.map((peer) => `× ${columnOf(peer)}`.padStart(14)).join('');
    const head = `${'kernel'.padEnd(NAME)}${'ms'.padStart(9)}${'rate'.padStart(16)}${'of limit'.padStart(10)}${peers}  bar`;
    return bold(head, this.#styled);
  }

  line(row) {
    if (row.error !== undefined) return `${row.name.padEnd(NAME)}  failed: ${row.error}`;
    const rate = row.rate === undefined ? '' : `${row.rate.toFixed(1)} ${row.unit}`;
    const share = row.limit === undefined ? '' : `${(100 * row.limit.share).toFixed(0)} %`;
    const ratios = this.#peers.map((peer) => ratio(row.peers[peer]).padStart(14)).join('');
    return `${row.name.padEnd(NAME)}${row.ms.toPrecision(3).padStart(9)}${rate.padStart(16)}${share.padStart(10)}${ratios}  ${verdicts(row)}`;
  }
}

function ratio(peer) {
  if (peer === undefined) return '';
  if (peer.error !== undefined) return 'error';
  return peer.ratio === undefined ? '–' : peer.ratio.toFixed(2);
}

/** What is wrong with a row: results that differ, peers that failed. */
export function complaints(row) {
  const found = [['limit', row.limit], ...Object.entries(row.peers ?? {})].flatMap(([who, measured]) =>
    [measured?.disagreement, measured?.error]
      .filter((why) => why !== undefined)
      .map((why) => `${who}: ${why}`),
  );
  return row.error === undefined ? found : [row.error, ...found];
}

// Share of the machine that others may use before a measurement is doubtful; what a peer of one thread leaves free is theirs.
const QUIET = 0.1;

/** Who was disturbed by other programs while it was measured. */
export function disturbed(row) {
  return [['this backend', row], ...Object.entries(row.peers ?? {})]
    .filter(([who, { others }]) => others > QUIET + freeShare(who))
    .map(([who, { others }]) => `${who} ${(100 * others).toFixed(0)} %`);
}

/** How peers computed a row, where they had a choice. */
export function notes(row) {
  return Object.entries(row.peers ?? {})
    .filter(([, measured]) => measured.note?.includes(','))
    .map(([peer, { note }]) => `${peer}: ${note}`);
}
