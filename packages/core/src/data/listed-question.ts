/** A multiple-choice question as it is put: the question, then an option per line after its letter. */
export function listedQuestion(question: string, options: readonly string[]): string {
  const lines = options.map((text, i) => `${String.fromCharCode('A'.charCodeAt(0) + i)}. ${text}`);
  return [question, ...lines].join('\n');
}
