/** The stages of a training run: the image autoencoder, Unified-SFT, Character-GRPO on pictures, GRPO on replies. */
export type Stage = 'vae' | 'sft' | 'grpo' | 'text-grpo';

/** A reply or picture that the model made for one prompt of the fixed list. Image paths are relative to the run folder. */
export interface Sample {
  prompt: string;
  reply?: string;
  image?: string;
}

/** What the data of a run is, as shown to the user before the first step. */
export interface DataSummary {
  character: string;
  images: number;
  /** Samples of each task, and the share of draws that the task mix gives it. */
  tasks: { task: string; samples: number; tokens: number; share: number }[];
}

/** What a training run tells its caller and writes to `events.jsonl`. Sizes in bytes, times in seconds. */
export type TrainEvent =
  | { type: 'start'; run: string; data: DataSummary; parameters: number; precision: string; threads: number }
  | { type: 'resume'; stage: Stage; step: number; checkpoint: string }
  | {
      type: 'stage';
      stage: Stage;
      steps: number;
      message: string;
      /** Where a stage learns from rewards: the weight of each, and what produced it. */
      rewards?: { weights: Readonly<Record<string, number>>; provenance: Readonly<Record<string, unknown>> };
    }
  | {
      type: 'step';
      stage: Stage;
      /** Completed steps, 1 … `steps`. */
      step: number;
      steps: number;
      /** `total` and its parts: `ce`, `mse`, `ce/<task>`, `mse/<task>`; for the VAE `reconstruction`, `gradient`, `kl`. */
      losses: Record<string, number>;
      /** Samples of each task in the pack. */
      tasks?: Record<string, number>;
      tokens: number;
      tokensPerSecond: number;
      secondsPerStep: number;
      etaSeconds: number;
      gradNorm: number;
      /** Mean reward `total` and its parts, where a stage learns from rewards. */
      rewards?: Record<string, number>;
      /** Other numbers worth watching, such as the share of groups that teach nothing. */
      measures?: Record<string, number>;
      /** Seconds of the parts of the step: `draw`, `judge`, `learn` where a stage learns from rewards. */
      phases?: Record<string, number>;
      lr: number;
      liveBytes: number;
      peakBytes: number;
    }
  | { type: 'sample'; stage: Stage; step: number; samples: Sample[]; sheet?: string }
  | {
      type: 'rewards';
      stage: Stage;
      step: number;
      /** Rewards of the samples of each prompt: total, and every part without its weight. */
      prompts: { prompt: string; total: number[]; parts: Record<string, number[]> }[];
    }
  | { type: 'validation'; stage: Stage; step: number; losses: Record<string, number> }
  | {
      type: 'alarm';
      stage: Stage;
      step: number;
      /** What is watched, its value and the limit it crossed. */
      measure: string;
      value: number;
      limit: number;
      message: string;
    }
  | { type: 'checkpoint'; stage: Stage; step: number; path: string }
  | { type: 'interrupted'; stage: Stage; step: number; path: string; message: string }
  | { type: 'done'; step: number; seconds: number; losses: Record<string, number>; report: string };

/** An event as it stands in the log. */
export type LoggedEvent = TrainEvent & { time: string };

export type StepEvent = Extract<TrainEvent, { type: 'step' }>;
