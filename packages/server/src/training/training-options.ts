import type { ServedCharacter } from '../character-shelf.js';

/** How a server trains. */
export interface TrainingOptions {
  /** Folder in which every job gets a run folder of its own. */
  readonly runs: string;
  /** Folders of base models by the names that requests use. */
  readonly bases: Readonly<Record<string, string>>;
  /** Makes a finished run one that the server can open. */
  serve(run: string): ServedCharacter;
  /** Seconds without a sign of life after which another worker takes over a job. Default 30. */
  readonly leaseSeconds?: number;
  /** Seconds between looks for jobs. Default 2. */
  readonly pollSeconds?: number;
}
