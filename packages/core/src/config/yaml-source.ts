import { isMap, isNode, LineCounter, type Node, parseDocument } from 'yaml';
import { ConfigError } from './config-error.js';

/**
 * A parsed YAML file that knows where each of its values stands. A name without a value (all below it commented out, say)
 * counts as not given.
 */
export class YamlSource {
  readonly value: Record<string, unknown>;
  private readonly lines = new LineCounter();
  private readonly document;

  /**
   * @param file name for messages
   * @throws ConfigError with the position, when the text is not YAML or not a map of options
   */
  constructor(
    private readonly file: string,
    source: string,
  ) {
    this.document = parseDocument(source, { lineCounter: this.lines, prettyErrors: false });
    const broken = this.document.errors;
    if (broken.length > 0) {
      throw new ConfigError(
        broken.map(({ message, pos }) => ({
          place: this.position(pos[0]),
          key: '',
          problem: `not valid YAML: ${message}`,
        })),
      );
    }
    const value: unknown = this.document.toJS() ?? {};
    if (!isOptions(value)) {
      const problem = `expected options as "name: value" lines, found ${JSON.stringify(value)}`;
      throw new ConfigError([
        { place: this.position(this.document.contents?.range?.[0] ?? 0), key: '', problem },
      ]);
    }
    this.value = withoutEmpty(value);
  }

  /** `file:line:column` of the value at `path`, or of its innermost part that the file has. */
  placeOfValue(path: readonly string[]): string {
    for (let length = path.length; length > 0; length--) {
      const node = this.document.getIn(path.slice(0, length), true);
      if (isNode(node) && node.range) return this.position(node.range[0]);
    }
    return this.file;
  }

  /** `file:line:column` of the name of the option at `path`. */
  placeOfKey(path: readonly string[]): string {
    const parent = path.length === 1 ? this.document.contents : this.document.getIn(path.slice(0, -1), true);
    const pair = isMap(parent) ? parent.items.find(({ key }) => String(key) === path.at(-1)) : undefined;
    const range = (pair?.key as Node | undefined)?.range;
    return range ? this.position(range[0]) : this.placeOfValue(path);
  }

  private position(offset: number): string {
    const { line, col } = this.lines.linePos(offset);
    return `${this.file}:${line}:${col}`;
  }
}

function withoutEmpty(options: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(options)
      .filter(([, value]) => value !== null)
      .map(([name, value]) => [name, isOptions(value) ? withoutEmpty(value) : value]),
  );
}

function isOptions(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
