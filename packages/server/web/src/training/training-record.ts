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

/** The record after one more event. */
export function withEvent(record: TrainingRecord, { data, message }: JobEvent): TrainingRecord {
  const next = { ...record, message };
  switch (data.kind) {
    case 'status':
      return { ...next, status: data.status, failure: data.error?.message ?? '' };
    case 'resume':
      return { ...rewound(next, data), message };
    case 'step':
      return { ...next, steps: [...next.steps, data] };
    case 'validation': {
      const { stage, step, valid_loss: loss } = data;
      return { ...next, validations: [...next.validations, { stage, step, loss }] };
    }
    case 'sample':
      return { ...next, samples: [...next.samples, data] };
    case 'alarm':
      return { ...next, alarms: [...next.alarms, { stage: data.stage, step: data.step, message }] };
    default:
      return next;
  }
}

/** A training that goes on from a checkpoint repeats the steps after it; what they told before is dropped. */
function rewound(
  record: TrainingRecord,
  { stage, step }: Extract<EventData, { kind: 'resume' }>,
): TrainingRecord {
  const stays = (one: { stage: string; step: number }) => one.stage !== stage || one.step <= step;
  return {
    ...record,
    steps: record.steps.filter(stays),
    validations: record.validations.filter(stays),
    samples: record.samples.filter(stays),
    alarms: record.alarms.filter(stays),
  };
}
