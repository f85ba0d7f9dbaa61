import { perSample } from './samples.js';

/** Times of a step of a flow sampler; each a number, or one number per sample. */
export interface FlowSdeTimes {
  /** Time of the state, in (0, 1]; 1 is pure noise. */
  t: number | readonly number[];
  /** Time after the step, in [0, t]. */
  tNext: number | readonly number[];
  /** η; 0 makes a plain Euler step. */
  noiseLevel: number | readonly number[];
  /** Stands for t in `1 − t` where t is 1: the second value of the time grid. Needed only there. */
  tBarFallback?: number;
}

/** `mean = x·state + velocity·v`, `next = mean + deviation·noise`; one number per sample. */
export interface FlowSdeCoefficients {
  /** σ, without the step length. */
  sigma: number[];
  state: number[];
  velocity: number[];
  /** σ·√(−Δ), the standard deviation of the step. */
  deviation: number[];
}

/**
 * Coefficients of the stochastic step of specification §7.5 (Liu et al. 2025, "Flow-GRPO", eq. 9), in float64:
 * with Δ = tNext − t and t̄ = t, but t̄ = tBarFallback where t is 1,
 * `σ = η·√(t/(1 − t̄))`, `state = 1 + σ²Δ/(2t)`, `velocity = (1 + σ²(1 − t)/(2t))·Δ`.
 *
 * @throws Error naming the time that is out of range
 */
export function flowSdeCoefficients(times: FlowSdeTimes, samples = 1): FlowSdeCoefficients {
  const op = 'flowSde';
  const t = perSample(op, 't', times.t, samples);
  const tNext = perSample(op, 'tNext', times.tNext, samples);
  const noiseLevel = perSample(op, 'noiseLevel', times.noiseLevel, samples);
  const result: FlowSdeCoefficients = { sigma: [], state: [], velocity: [], deviation: [] };
  t.forEach((now, i) => {
    const next = tNext[i]!;
    if (!(now > 0 && now <= 1 && next <= now)) {
      throw new Error(`${op}: expected t in (0, 1] and tNext in [0, t], found t ${now}, tNext ${next}`);
    }
    const eta = noiseLevel[i]!;
    const tBar = now < 1 ? now : times.tBarFallback;
    if (eta > 0 && !(tBar !== undefined && tBar >= 0 && tBar < 1)) {
      throw new Error(
        `${op}: expected tBarFallback in [0, 1) (the second value of the time grid) for a noisy step from t = 1, ` +
          `found ${tBar}`,
      );
    }
    const delta = next - now;
    const variance = eta > 0 ? (eta * eta * now) / (1 - tBar!) : 0;
    result.sigma.push(Math.sqrt(variance));
    result.state.push(1 + (variance * delta) / (2 * now));
    result.velocity.push((1 + (variance * (1 - now)) / (2 * now)) * delta);
    result.deviation.push(Math.sqrt(-delta * variance));
  });
  return result;
}
