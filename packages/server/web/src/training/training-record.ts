import type { EventData, JobEvent, JobStatus, Sample, StepData } from '../api/jobs.js';

/** The pictures and replies of one moment. */
export interface SampleSet {
  readonly stage: string;
  readonly step: number;
  readonly samples: readonly Sample[];
}

export interface Alarm {
  readonly stage: string;
  readonly step: number;
  readonly message: string;
}

/** Everything that a training has told so far. */
export interface TrainingRecord {
  readonly status: JobStatus | undefined;
  /** Why it failed. */
  readonly failure: string;
  readonly steps: readonly StepData[];
  readonly validations: readonly { readonly stage: string; readonly step: number; readonly loss: number }[];
  readonly samples: readonly SampleSet[];
  readonly alarms: readonly Alarm[];
  /** What happened last, in words. */
  readonly message: string;
}

export const EMPTY_RECORD: TrainingRecord = {
  status: undefined,
  failure: '',
  steps: [],
  validations: [],
  samples: [],
  alarms: [],
  message: '',
};

type Growing = {
  -readonly [Field in keyof TrainingRecord]: TrainingRecord[Field] extends readonly (infer One)[]
    ? One[]
    : TrainingRecord[Field];
};

/** Grows by one event at a time; copied only to be shown, so that thousands of events cost what they are. */
export class RecordBook {
  private readonly record: Growing = { ...EMPTY_RECORD, steps: [], validations: [], samples: [], alarms: [] };

  add({ data, message }: JobEvent): void {
    const { record } = this;
    record.message = message;
    switch (data.kind) {
      case 'status':
        record.status = data.status;
        record.failure = data.error?.message ?? '';
        break;
      case 'resume':
        this.rewind(data);
        break;
      case 'step':
        record.steps.push(data);
        break;
      case 'validation': {
        const { stage, step, valid_loss: loss } = data;
        record.validations.push({ stage, step, loss });
        break;
      }
      case 'sample':
        record.samples.push(data);
        break;
      case 'alarm':
        record.alarms.push({ stage: data.stage, step: data.step, message });
    }
  }

  /** The record as it is now; later events do not change it. */
  get snapshot(): TrainingRecord {
    const { steps, validations, samples, alarms, ...rest } = this.record;
    return {
      ...rest,
      steps: [...steps],
      validations: [...validations],
      samples: [...samples],
      alarms: [...alarms],
    };
  }

  /** A training that goes on from a checkpoint repeats the steps after it; what they told before is dropped. */
  private rewind({ stage, step }: Extract<EventData, { kind: 'resume' }>): void {
    const { record } = this;
    const stays = (one: { stage: string; step: number }) => one.stage !== stage || one.step <= step;
    record.steps = record.steps.filter(stays);
    record.validations = record.validations.filter(stays);
    record.samples = record.samples.filter(stays);
    record.alarms = record.alarms.filter(stays);
  }
}
