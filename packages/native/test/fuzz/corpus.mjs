// Records valid commands as they cross into the addon.
import { Command } from '../../dist/command.js';
import { callEverything } from './calls.mjs';

/** Most variants kept of one kernel. */
const VARIANTS = 12;

/**
 * Commands by kernel name, in the terms of cpp/runtime/args.h. A command is a list of tokens:
 * `{tensor: {phys, dims, values}}`, `{scalar: {phys, dims, value}}`, `{absent: true}`, `{int}`, `{dims}`, `{real}`.
 * @returns {Map<string, object[][]>}
 */
export function recordCorpus(kernelNames) {
  const corpus = new Map(kernelNames.map((name) => [name, []]));
  const seen = new Set();
  let tokens = [];
  let nested = 0;
  const original = { ...Object.getOwnPropertyDescriptors(Command.prototype) };
  const record = (method, tokenOf) => {
    const inner = original[method].value;
    Command.prototype[method] = function (...args) {
      const token = nested === 0 ? tokenOf(this, ...args) : undefined;
      const before = this.intCount;
      nested++;
      try {
        return inner.apply(this, args);
      } finally {
        nested--;
        if (token !== undefined) {
          // What stands before the slot: marks of tensors that are changed in place.
          const marks = token.tensor ? this.intCount - before - 2 - token.tensor.dims.length : 0;
          tokens.push(...Array.from(this.ints.subarray(before, before + marks), (int) => ({ int })), token);
        }
      }
    };
  };
  record('tensor', tensorToken);
  record('inPlace', tensorToken);
  record('operand', operandToken);
  record('optional', (command, info) => (info ? tensorToken(command, info) : { absent: true }));
  record('int', (_, value) => ({ int: value | 0 }));
  record('flag', (_, value) => ({ int: value ? 1 : 0 }));
  record('dims', (_, values) => ({ dims: Array.from(values, (value) => value | 0) }));
  record('real', (_, value) => ({ real: value }));
  const { begin, run } = Command.prototype;
  Command.prototype.begin = function (op) {
    tokens = [];
    return begin.call(this, op);
  };
  Command.prototype.run = function () {
    const variants = corpus.get(kernelNames[this.op]);
    const text = JSON.stringify([this.op, tokens], (key, value) => (key === 'values' ? undefined : value));
    if (variants.length < VARIANTS && !seen.has(text)) {
      seen.add(text);
      variants.push(tokens);
    }
    return run.call(this);
  };
  try {
    callEverything();
  } finally {
    Object.defineProperties(Command.prototype, original);
  }
  return corpus;
}

function tensorToken(command, info, dims = info.shape) {
  const entry = command.backend.data.get(info.dataId);
  entry.nativeSlot();
  return { tensor: { phys: entry.phys, dims: [...dims], values: Array.from(entry.download()) } };
}

function operandToken(command, info) {
  const entry = command.backend.data.get(info.dataId);
  if (entry.slot >= 0 || entry.count !== 1) return tensorToken(command, info);
  return { scalar: { phys: entry.phys, dims: [...info.shape], value: Number(entry.host[0]) } };
}
