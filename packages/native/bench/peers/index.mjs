import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { PeerProcess } from './process.mjs';

const here = (file) => fileURLToPath(new URL(file, import.meta.url));
const worker = (name) => [process.execPath, [here('../worker.mjs'), name]];

/** How to start each peer; the column is the head of the table. */
const PEERS = {
  cpu: { column: 'tfjs cpu', threads: 1, command: () => worker('cpu') },
  wasm: { column: 'tfjs wasm', threads: 1, command: () => worker('wasm') },
  onnxruntime: { column: 'onnxruntime', command: () => worker('onnxruntime') },
  pytorch: {
    column: 'PyTorch',
    command: () => [process.env.UNICHARACTER_PYTHON ?? 'python3', [here('./pytorch/main.py')]],
  },
};

export const PEER_NAMES = Object.keys(PEERS);
export const columnOf = (name) => PEERS[name].column;

/** Share of the machine that a peer cannot use. */
export const freeShare = (name) =>
  1 - (PEERS[name]?.threads ?? availableParallelism()) / availableParallelism();

/** Starts a peer, or `native` itself. @returns {Promise<{process?: PeerProcess, description: string}>} */
export async function openPeer(name, threads) {
  const [command, args] = name === 'native' ? worker('native') : PEERS[name].command();
  const process = new PeerProcess(command, args, threads);
  const { ready, missing, error } = await process.opened();
  if (ready !== undefined) return { process, description: ready };
  return { description: `${name} is left out: ${missing ?? error}` };
}
