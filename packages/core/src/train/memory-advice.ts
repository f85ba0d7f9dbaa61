import type { TrainConfig } from '../config/index.js';
import { TrainError } from './train-error.js';

/** What allocators say when there is nothing left: the native addon, the JavaScript engine, CUDA. */
const OUT_OF_MEMORY =
  /out of memory|bad_alloc|bad alloc|cannot allocate|allocation (of .*)?failed|Array buffer allocation/i;

/** True for an error that says that memory ran out. */
export const isOutOfMemory = (error: unknown): error is Error =>
  error instanceof Error && OUT_OF_MEMORY.test(error.message);

/** An error for a step that did not fit in memory, with the options that need less; other errors come back as they are. */
export function withMemoryAdvice(error: unknown, config: TrainConfig): unknown {
  if (!isOutOfMemory(error)) return error;
  const { sft, grpo, stage } = config;
  const advice = [
    ...(stage === 'sft' || stage === 'all'
      ? [
          ...(sft.tokensPerPack > 256
            ? [
                `sft.tokensPerPack ${Math.ceil(sft.tokensPerPack / 2)} with sft.accumulation ${2 * sft.accumulation}`,
              ]
            : []),
          ...(sft.activationCheckpointing ? [] : ['sft.activationCheckpointing true']),
          ...(sft.optimizer.state === 'int8' ? [] : ['sft.optimizer.state int8']),
          ...(sft.train.mode === 'full' ? ['sft.train.mode lora'] : []),
        ]
      : []),
    ...(stage === 'sft'
      ? []
      : [
          ...(grpo.imagesPerPass > 1 ? [`grpo.imagesPerPass ${Math.ceil(grpo.imagesPerPass / 2)}`] : []),
          ...(grpo.activationCheckpointing ? [] : ['grpo.activationCheckpointing true']),
        ]),
    ...(config.precision === 'bf16' ? [] : ['precision bf16']),
  ];
  return new TrainError(
    `out of memory (${error.message}); the last checkpoint is intact. What needs less: ${advice.join('; ')}`,
    { cause: error },
  );
}
