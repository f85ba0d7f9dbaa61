/**
 * Finds places in JSON text. `JSON.parse` stays the parser; this scanner only runs once something is wrong, to name
 * the line of a syntax error (Node 20 often leaves the position out) or of the value behind a JSON pointer.
 */

export interface TextPosition {
  /** 1-based. */
  line: number;
  /** 1-based, in UTF-16 units. */
  column: number;
}

export function positionOf(text: string, offset: number): TextPosition {
  const before = text.slice(0, offset);
  return { line: before.split('\n').length, column: offset - before.lastIndexOf('\n') };
}

/** Offset of the first character at which `text` stops being JSON, or undefined when it is valid. */
export function jsonErrorOffset(text: string): number | undefined {
  try {
    new Scanner(text).document();
    return undefined;
  } catch (error) {
    if (error instanceof ScanError) return error.offset;
    throw error;
  }
}

/** Offset of the value at `pointer` in valid JSON text, or of the nearest ancestor that exists. */
export function jsonOffsetOf(text: string, pointer: string): number {
  const starts = new Map<string, number>();
  new Scanner(text, (path, offset) => starts.set(path, offset)).document();
  for (let path = pointer; path !== ''; path = path.slice(0, path.lastIndexOf('/'))) {
    const start = starts.get(path);
    if (start !== undefined) return start;
  }
  return 0;
}

class ScanError extends Error {
  constructor(readonly offset: number) {
    super(`not JSON at offset ${offset}`);
  }
}

const SPACE = /[ \t\r\n]*/y;
const STRING = /"(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const SCALAR = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;

class Scanner {
  private at = 0;

  constructor(
    private readonly text: string,
    private readonly onValue: (path: string, offset: number) => void = () => {},
  ) {}

  document(): void {
    this.value('');
    this.skipSpace();
    if (this.at < this.text.length) throw new ScanError(this.at);
  }

  private value(path: string): void {
    this.skipSpace();
    this.onValue(path, this.at);
    const start = this.text[this.at];
    if (start === '{') this.members(path);
    else if (start === '[') this.elements(path);
    else if (start === '"') this.string();
    else if (this.match(SCALAR) === '') throw new ScanError(this.at);
  }

  private members(path: string): void {
    this.expect('{');
    if (this.take('}')) return;
    do {
      this.skipSpace();
      const key = JSON.parse(this.string()) as string;
      this.expect(':');
      this.value(`${path}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`);
    } while (this.take(','));
    this.expect('}');
  }

  private elements(path: string): void {
    this.expect('[');
    if (this.take(']')) return;
    let index = 0;
    do {
      this.value(`${path}/${index++}`);
    } while (this.take(','));
    this.expect(']');
  }

  private string(): string {
    const literal = this.match(STRING);
    if (literal === '') throw new ScanError(this.at);
    return literal;
  }

  private match(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0] ?? '';
    this.at += found.length;
    return found;
  }

  private skipSpace(): void {
    this.match(SPACE);
  }

  private take(character: string): boolean {
    this.skipSpace();
    if (this.text[this.at] !== character) return false;
    this.at += 1;
    return true;
  }

  private expect(character: string): void {
    if (!this.take(character)) throw new ScanError(this.at);
  }
}
