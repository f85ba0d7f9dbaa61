import type { Plan } from '../api/jobs.js';
import { inPlainWords, taskWords } from '../shared/task-words.js';
import { bytesWords, countWords, durationWords, percentWords, stageWords } from './words.js';

/** What a training would take, and what it would learn. */
export function PlanView({ plan }: { plan: Plan }) {
  return (
    <>
      <dl class="figures">
        <div>
          <dt>Time</dt>
          <dd>about {durationWords(plan.seconds)}</dd>
        </div>
        <div>
          <dt>Memory</dt>
          <dd>{bytesWords(plan.memory_bytes)}</dd>
        </div>
        <div>
          <dt>Parameters</dt>
          <dd>{countWords(plan.parameters)}</dd>
        </div>
        <div>
          <dt>Steps</dt>
          <dd>{plan.stages.map(({ stage, steps }) => `${stageWords(stage)}: ${steps}`).join(', ')}</dd>
        </div>
      </dl>
      <table>
        <caption>What it learns</caption>
        <thead>
          <tr>
            <th scope="col">Task</th>
            <th scope="col">Examples</th>
            <th scope="col">Part of the training</th>
          </tr>
        </thead>
        <tbody>
          {plan.tasks.map(({ task, samples, share }) => (
            <tr key={task}>
              <th scope="row">{taskWords(task)}</th>
              <td>{samples}</td>
              <td>
                <span class="share" style={{ width: `${share * 100}%` }} />
                {percentWords(share)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <ul class="remarks">
        {inPlainWords(plan.findings).map(({ severity, message }) => (
          <li key={message} class={severity}>
            {message}
          </li>
        ))}
      </ul>
    </>
  );
}
