import { Type } from '@fastify/type-provider-typebox';

/** Text that PostgreSQL can hold: everything but the character U+0000. */
export const StorableText = (options: { minLength?: number; maxLength?: number } = {}) =>
  Type.String({ ...options, pattern: '^[^\\u0000]*$' });
