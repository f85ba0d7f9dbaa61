/** A JSON object out of the words of a model: as it is, or inside a fence of Markdown. @throws SyntaxError */
export function parseAnswer(words: string): unknown {
  const fenced = /^\s*```(?:json)?\s*\n([\s\S]*?)\n?```\s*$/i.exec(words);
  return JSON.parse(fenced?.[1] ?? words);
}
