import type { Known } from './schema-arbitrary.js';

/** Kinds of ids that the server makes. */
const IDS =
  /\b(?:(?:char_|file-|ftjob-)[0-9a-f]{24}|ftevent-\d+|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{64})\b/g;
const MOST = 200;

/** What answers have named, to be asked for again: without it hardly any request would be about something that exists. */
export class KnownValues implements Known {
  private readonly ids = new Set<string>();

  /** @param named values by the name of the field that takes them; a pattern stands for the ids that it fits */
  constructor(private readonly named: Readonly<Record<string, readonly (string | RegExp)[]>>) {}

  learn(body: string): void {
    for (const [id] of body.slice(0, 20_000).matchAll(IDS)) {
      this.ids.delete(id);
      this.ids.add(id);
    }
    while (this.ids.size > MOST) this.ids.delete(this.ids.values().next().value as string);
  }

  pick(field: string, pattern: RegExp | undefined, choice: number): string | undefined {
    const sources = this.named[field] ?? (pattern ? [pattern] : []);
    const fitting = sources
      .flatMap((source) =>
        typeof source === 'string' ? [source] : [...this.ids].filter((id) => source.test(id)),
      )
      .filter((value) => !pattern || pattern.test(value));
    return fitting.length === 0 ? undefined : fitting[choice % fitting.length];
  }
}
