import type { SpokenToken, TokenLikelihood } from '@unicharacter/core';

/** A token, and where in the text it begins, in UTF-16 units. */
export type PlacedToken = SpokenToken & { readonly start: number };

/** Tokens of a growing text, handed out with the text that they begin in: text may be held back for a while. */
export class TokensInText {
  private waiting: PlacedToken[] = [];
  private length = 0;

  /** @param piece what the text grew by with the token */
  push(piece: string, token: SpokenToken | undefined): void {
    if (token) this.waiting.push({ ...token, start: this.length });
    this.length += piece.length;
  }

  /** The tokens that begin before position `end` of the text, each once. */
  before(end: number): PlacedToken[] {
    const ready = this.waiting.filter(({ start }) => start < end);
    this.waiting = this.waiting.slice(ready.length);
    return ready;
  }
}

/** Probabilities as `POST /v1/chat/completions` tells them. */
export const chatLogprobs = (tokens: readonly SpokenToken[]) => ({
  content: tokens.map((token) => ({ ...described(token), top_logprobs: token.top.map(described) })),
  refusal: null,
});

/** Probabilities as `POST /v1/completions` tells them. */
export const textLogprobs = (tokens: readonly PlacedToken[]) => ({
  tokens: tokens.map(({ bytes }) => tokenText(bytes)),
  token_logprobs: tokens.map(({ logprob }) => logprob),
  top_logprobs: tokens.map(({ top }) =>
    Object.fromEntries(top.map(({ bytes, logprob }) => [tokenText(bytes), logprob])),
  ),
  text_offset: tokens.map(({ start }) => start),
});

const described = ({ bytes, logprob }: TokenLikelihood) => ({ token: tokenText(bytes), logprob, bytes });

/** The text of a token; bytes that are no whole characters as `\xe2\x80`, which is how OpenAI's API shows them. */
function tokenText(bytes: readonly number[]): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(bytes));
  } catch {
    return bytes.map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
  }
}
