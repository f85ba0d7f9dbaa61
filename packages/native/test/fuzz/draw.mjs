// Random choices that can be repeated from a seed and a position (mulberry32).
export class Draw {
  constructor(seed, position = 0) {
    this.state = (Math.imul(seed, 0x9e3779b1) ^ Math.imul(position + 1, 0x85ebca6b)) >>> 0;
  }
  /** Uniform in [0, 1). */
  unit() {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }
  chance(probability) {
    return this.unit() < probability;
  }
  /** A whole number in [low, high]. */
  int(low, high) {
    return low + Math.floor(this.unit() * (high - low + 1));
  }
  pick(values) {
    return values[this.int(0, values.length - 1)];
  }
}
