/**
 * Reverse pass over a recorded tape that frees as it goes.
 *
 * tfjs-core keeps every saved activation and every intermediate gradient until the whole pass is over. Here a node's
 * saved tensors and upstream gradients are disposed as soon as the node is done, so the peak is close to what the forward
 * pass saved plus the gradients asked for. Filtering uses sets: O(nodes + edges), independent of the number of variables.
 */
import * as tf from '../../lib/tfjs.mjs';
import { addInto } from './accumulate.js';
import { withNeededGradients } from './needed.js';
import { disposeSaved, type TapeNode } from './tape.js';

interface Step {
  node: TapeNode;
  /** Names of the inputs that lie on a path from a target. */
  inputs: Set<string>;
}

/** Nodes on a path from any of `targets` to `y`, in recorded order, each with the inputs that matter. */
function pathFrom(tape: readonly TapeNode[], targets: readonly tf.Tensor[], y: tf.Tensor): Step[] {
  const reached = new Set(targets.map((x) => x.id));
  const candidates: Step[] = [];
  for (const node of tape) {
    const inputs = new Set<string>();
    for (const name in node.inputs) if (reached.has(node.inputs[name]!.id)) inputs.add(name);
    if (inputs.size === 0) continue;
    for (const output of node.outputs) reached.add(output.id);
    candidates.push({ node, inputs });
  }
  const leading = new Set([y.id]);
  const steps: Step[] = [];
  for (const step of candidates.reverse()) {
    if (!step.node.outputs.some((output) => leading.has(output.id))) continue;
    for (const name of step.inputs) leading.add(step.node.inputs[name]!.id);
    steps.push(step);
  }
  return steps.reverse();
}

function checkGradient(node: TapeNode, name: string, x: tf.Tensor, dx: tf.Tensor): void {
  if (dx.dtype !== 'float32' || !tf.util.arraysEqual(dx.shape, x.shape)) {
    throw new Error(
      `gradient of ${node.kernelName} for input '${name}': expected float32 [${x.shape}], ` +
        `found ${dx.dtype} [${dx.shape}]`,
    );
  }
}

/** Gradients of one node with respect to its wanted inputs, computed in one tidy. Null entries: no gradient flows. */
function nodeGradients({ node, inputs }: Step, dys: tf.Tensor[]): Map<string, tf.Tensor | null> {
  const { gradient } = node;
  if (gradient === undefined) {
    throw new Error(
      `cannot differentiate ${node.kernelName}: no gradient is registered; ` +
        'take the op out of the differentiated path or wrap it in noGrad',
    );
  }
  const gradients = new Map<string, tf.Tensor | null>();
  const foreign = new Set<tf.Tensor>([...dys, ...(node.saved ?? [])]);
  tf.tidy(() => {
    const thunks = gradient(dys);
    for (const name of inputs) {
      const thunk = thunks[name];
      if (thunk === undefined) throw new Error(`gradient of ${node.kernelName} lacks the input '${name}'`);
      const dx = thunk();
      if (dx !== null) checkGradient(node, name, node.inputs[name]!, dx);
      // A gradient handed through unchanged must survive the disposal of what it was handed through from.
      gradients.set(name, dx !== null && foreign.has(dx) ? tf.clone(dx) : dx);
      if (dx !== null) foreign.add(dx);
    }
    return [...gradients.values()].filter((dx) => dx !== null);
  });
  return gradients;
}

/**
 * Gradients of `y` (seeded with `dy`) with respect to `targets`; null where no path exists.
 * Consumes the tape: all its saved tensors are disposed when this returns or throws. `dy` stays the caller's.
 *
 * @param sums gradients to add to, one per target or null; consumed. Where one is given, its target's answer is the sum,
 *   in place if nobody shares its memory: each contribution is added as it comes, and no second set of gradients exists.
 */
export function backward(
  tape: readonly TapeNode[],
  targets: readonly tf.Tensor[],
  y: tf.Tensor,
  dy: tf.Tensor,
  sums: readonly (tf.Tensor | null)[] = [],
): (tf.Tensor | null)[] {
  const steps = pathFrom(tape, targets, y);
  const onPath = new Set(steps.map((step) => step.node));
  disposeSaved(tape.filter((node) => !onPath.has(node)));
  const kept = new Set(targets.map((x) => x.id));
  const gradients = new Map<number, tf.Tensor>([[y.id, tf.clone(dy)]]);
  const summed = new Set<tf.Tensor>();
  targets.forEach((target, i) => {
    const sum = sums[i] ?? null;
    if (sum === null) return;
    if (tf.engine().backend.refCount(sum.dataId) === 1) summed.add(sum);
    const seed = gradients.get(target.id);
    gradients.set(target.id, seed === undefined ? sum : addInto(sum, seed, summed));
  });
  try {
    for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
      const { node } = step;
      const upstream = node.outputs.map((output) => gradients.get(output.id));
      if (upstream.some((g) => g !== undefined)) {
        const zeros: tf.Tensor[] = [];
        const dys = upstream.map((g, i) => {
          if (g !== undefined) return g;
          const zero = tf.fill(node.outputs[i]!.shape, 0);
          zeros.push(zero);
          return zero;
        });
        const found = withNeededGradients(step.inputs, () => nodeGradients(step, dys));
        for (const zero of zeros) zero.dispose();
        for (const [name, dx] of found) {
          if (dx === null) continue;
          const id = node.inputs[name]!.id;
          const sum = gradients.get(id);
          if (sum === undefined) gradients.set(id, dx);
          else gradients.set(id, addInto(sum, dx, summed));
        }
      }
      disposeSaved([node]);
      for (const output of node.outputs) {
        if (kept.has(output.id)) continue;
        gradients.get(output.id)?.dispose();
        gradients.delete(output.id);
      }
    }
  } finally {
    disposeSaved(tape);
  }
  const answers = targets.map((x) => gradients.get(x.id) ?? null);
  for (const gradient of gradients.values()) if (!answers.includes(gradient)) gradient.dispose();
  return answers;
}
