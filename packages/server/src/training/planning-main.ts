/** The program of the planning process: gets configurations from its parent, one at a time, and tells what they would train. */
import {
  DataError,
  ImageError,
  inspectCharacter,
  ModelConfigError,
  planRun,
  readCharacter,
  type TrainConfig,
  TrainError,
} from '@unicharacter/core';
import type { DataPlan, FromPlanning } from './messages.js';

/** What is wrong with the data or their combination with the configuration, not with the server. */
const USERS_ERRORS = [DataError, ImageError, ModelConfigError, TrainError, RangeError];

process.on('disconnect', () => process.exit(1));
process.on('message', (config: TrainConfig) => {
  plan(config).then(
    (planned) => tell({ kind: 'planned', plan: planned }),
    (error: unknown) => {
      const refused = USERS_ERRORS.some((kind) => error instanceof kind);
      tell({
        kind: refused ? 'refused' : 'failed',
        message: error instanceof Error ? error.message : String(error),
      });
    },
  );
});

async function plan(config: TrainConfig): Promise<DataPlan> {
  const character = await readCharacter(config.data);
  const { findings } = await inspectCharacter(character, { mix: config.sft.mix });
  const errors = findings.filter(({ severity }) => severity === 'error');
  if (errors.length > 0) throw new TrainError(errors.map(({ message }) => message).join('\n'));
  return { character: character.name, findings, plan: await planRun(config) };
}

function tell(message: FromPlanning): void {
  process.send?.(message);
}
