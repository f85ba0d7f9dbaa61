import { Curve, type Series } from './curve.js';
import type { TrainingRecord } from './training-record.js';

/** The curves of the stage that runs: losses of text and of pictures, rewards where it learns from them. */
export function Curves({ record, stage }: { record: TrainingRecord; stage: string | undefined }) {
  const steps = record.steps.filter((one) => one.stage === stage);
  const of = (loss: string): Series['points'] =>
    steps.flatMap(({ step, losses }): [number, number][] => {
      const value = losses[loss];
      return value === undefined ? [] : [[step, value]];
    });
  const validation = record.validations
    .filter((one) => one.stage === stage)
    .map(({ step, loss }): [number, number] => [step, loss]);
  const rewards = steps.flatMap(({ step, rewards }): [number, number][] =>
    rewards?.total === undefined ? [] : [[step, rewards.total]],
  );
  const [text, pictures] = [of('ce'), of('mse')];
  const known = text.length + pictures.length > 0;
  return (
    <div class="curves">
      {rewards.length > 0 && (
        <Curve title="Reward" better="higher" series={[{ name: 'mean reward', points: rewards }]} />
      )}
      {(text.length > 0 || !known) && (
        <Curve
          title={known ? 'Loss of text' : 'Loss'}
          better="lower"
          series={[
            { name: 'training', points: known ? text : of('total') },
            { name: 'held out', points: validation },
          ]}
        />
      )}
      {pictures.length > 0 && (
        <Curve title="Loss of pictures" better="lower" series={[{ name: 'training', points: pictures }]} />
      )}
    </div>
  );
}
