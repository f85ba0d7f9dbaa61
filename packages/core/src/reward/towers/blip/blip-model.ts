import type { tf } from '@unicharacter/native';
import { ImageProcessor } from '../../pictures/image-processor.js';
import { FrozenWeights } from '../frozen-weights.js';
import { AnswerDecoder } from './answer-decoder.js';
import { type BlipConfig, loadBlipConfig } from './config.js';
import { QuestionEncoder } from './question-encoder.js';
import { blipSpecs } from './specs.js';
import { BlipVisionTower } from './vision-tower.js';
import { WordPieces } from './word-pieces.js';

/** Longest answer in tokens, the start id included. */
const MAX_ANSWER = 50;

/** BLIP for visual question answering, in the published layout (Li et al. 2022; rewards specification §5). */
export class BlipModel {
  readonly vision: BlipVisionTower;
  readonly questions: QuestionEncoder;
  readonly answers: AnswerDecoder;
  readonly #weights: FrozenWeights;

  private constructor(
    config: BlipConfig,
    weights: FrozenWeights,
    readonly tokenizer: WordPieces,
    readonly processor: ImageProcessor,
  ) {
    this.#weights = weights;
    this.vision = new BlipVisionTower(config.vision, weights);
    this.questions = new QuestionEncoder(config.text, weights);
    this.answers = new AnswerDecoder(config.text, weights);
  }

  /**
   * Loads configuration, weights, tokenizer and picture processor of a folder.
   *
   * @throws DataError, TokenizerError or WeightsError naming the file and what is wrong with it
   */
  static async load(folder: string): Promise<BlipModel> {
    const config = await loadBlipConfig(folder);
    const tokenizer = await WordPieces.load(folder);
    const processor = await ImageProcessor.load(folder);
    return new BlipModel(config, await FrozenWeights.load(blipSpecs(config), [folder]), tokenizer, processor);
  }

  /** SHA-256 of the weights. */
  get sha256(): string {
    return this.#weights.sha256;
  }

  /**
   * Greedy ids of the answers to questions about one picture, start id included. Questions are batched; padding is
   * masked in self- and cross-attention, so that every answer is the one that the question alone would get.
   *
   * @param picture states [1, tokens, width] of the vision tower
   */
  answerIds(picture: tf.Tensor3D, questions: readonly string[], maxLength = MAX_ANSWER): number[][] {
    if (questions.length === 0) return [];
    const ids = questions.map((question) => this.tokenizer.encode(question));
    const states = this.questions.states(ids, picture);
    try {
      return this.answers.greedy(
        states,
        ids.map(({ length }) => length),
        maxLength,
      );
    } finally {
      states.dispose();
    }
  }

  dispose(): void {
    this.#weights.dispose();
  }
}
