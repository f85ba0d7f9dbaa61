import { tf } from '@unicharacter/native';

/** How the guided velocity is brought back to the norm of the conditional one (spec 5.4). */
export const RENORM_TYPES = ['global', 'channel', 'text_channel'] as const;
export type RenormType = (typeof RENORM_TYPES)[number];

/** Classifier-free guidance against a context without the text and one without the images. */
export interface Guidance {
  /** Text scale; 1 or less turns all guidance off. */
  readonly text: number;
  /** Image scale; 1 or less ignores the image context. */
  readonly image: number;
  /** Guidance acts at (shifted) times t with low < t ≤ high. */
  readonly interval: readonly [low: number, high: number];
  readonly renorm: RenormType;
  /** Smallest factor of the renormalisation; 1 turns it off. */
  readonly renormMin: number;
}

/** Does guidance act at time `t`? */
export function guidanceActive({ text, interval: [low, high] }: Guidance, t: number): boolean {
  return text > 1 && t > low && t <= high;
}

/**
 * The guided velocity (spec 5.4), all arguments [tokens, channels].
 *
 * @param v conditional velocity
 * @param withoutText velocity in the context without the text
 * @param withoutImages velocity in the context without the images, null when the image scale is 1 or less
 */
export function guide(
  v: tf.Tensor2D,
  withoutText: tf.Tensor2D,
  withoutImages: tf.Tensor2D | null,
  { text, image, renorm, renormMin }: Guidance,
): tf.Tensor2D {
  return tf.tidy(() => {
    const away = (from: tf.Tensor2D, to: tf.Tensor2D, scale: number) =>
      tf.add(from, tf.mul(tf.sub(to, from), scale)) as tf.Tensor2D;
    const byText = away(withoutText, v, text);
    const imageToo = (g: tf.Tensor2D) => (withoutImages && image > 1 ? away(withoutImages, g, image) : g);
    if (renorm === 'text_channel') return imageToo(renormalised(byText, v, true, renormMin));
    return renormalised(imageToo(byText), v, renorm === 'channel', renormMin);
  });
}

/** `g` scaled by ‖v‖ / ‖g‖, clamped to [min, 1]; norms per token or over everything. */
function renormalised(g: tf.Tensor2D, v: tf.Tensor2D, perToken: boolean, min: number): tf.Tensor2D {
  const norm = (x: tf.Tensor2D) => tf.sqrt(tf.sum(tf.square(x), perToken ? 1 : undefined, true));
  const factor = tf.clipByValue(tf.div(norm(v), tf.add(norm(g), 1e-8)), min, 1);
  return tf.mul(g, factor) as tf.Tensor2D;
}
