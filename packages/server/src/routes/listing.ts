import { Type } from '@fastify/type-provider-typebox';
import type { PageRequest } from '../state/page-of.js';
import { StorableText } from '../storable-text.js';

/** Query of a list, as OpenAI's clients send it; numbers arrive as text. */
export const PageQuery = Type.Object({
  limit: Type.Optional(Type.String({ pattern: '^[1-9][0-9]{0,4}$' })),
  after: Type.Optional(StorableText({ maxLength: 200 })),
  order: Type.Optional(Type.Union([Type.Literal('asc'), Type.Literal('desc')])),
});

interface PageText {
  limit?: string;
  after?: string;
  order?: 'asc' | 'desc';
}

/** One row more than was asked for, to see whether there are more. */
export function pageRequest({ limit, after, order = 'desc' }: PageText, byDefault = 20): PageRequest {
  return { limit: Number(limit ?? byDefault) + 1, after, order };
}

interface Listed {
  readonly id: string;
}

/** The list of a page that was asked for with {@link pageRequest}. */
export function listOf<T extends Listed>(rows: readonly T[], limit: number) {
  const data = rows.slice(0, limit - 1);
  return {
    object: 'list',
    data,
    has_more: rows.length === limit,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
  };
}

export const seconds = (date: Date): number => Math.floor(date.getTime() / 1000);
