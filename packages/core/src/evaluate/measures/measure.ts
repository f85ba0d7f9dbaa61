/** One number of an evaluation: the mean of `values`, each of one question, picture, prompt or reply. */
export interface Measure {
  /** Stable name in `evaluation.json`, `family.what`. */
  readonly name: string;
  /** For tables. */
  readonly title: string;
  /** What the values are and what they were measured with, in a sentence. */
  readonly note: string;
  readonly values: readonly number[];
  /** The same measure on the real pictures or words of the data: what the judge leaves room for. */
  readonly ceiling?: number;
  readonly better: 'higher' | 'lower' | 'neither';
}

export const meanOf = (values: readonly number[]) =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Leaves out measures that nothing was measured for. */
export const measured = (measures: readonly Measure[]) => measures.filter(({ values }) => values.length > 0);
