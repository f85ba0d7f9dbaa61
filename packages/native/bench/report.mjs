/**
 * What a benchmark tells: text for people and one JSON object per line for programs. Shown as it comes, one or the other;
 * `text()` is the log with both, text first.
 */
export class Report {
  #json;
  #lines = [];
  #data = [];

  /** @param {{json?: boolean}} options */
  constructor({ json = false }) {
    this.#json = json;
  }

  say(line) {
    this.#lines.push(line);
    if (!this.#json) console.log(line);
  }

  note(object) {
    const line = JSON.stringify(object);
    this.#data.push(line);
    if (this.#json) console.log(line);
  }

  text() {
    return `${[...this.#lines, '', ...this.#data].join('\n')}\n`;
  }
}
