// The stretch of time that is shown, in ms from the tone centre: the same in every panel.

export const NARROWEST_MS = 80;

export class View {
  constructor(window) { this.window = window; this.show(-window, window); }
  get length() { return this.to - this.from; }
  get isWhole() { return this.length >= 2 * this.window - 1e-6; }
  show(from, to) { // kept within the window, and no narrower than NARROWEST_MS
    const length = Math.max(NARROWEST_MS, Math.min(2 * this.window, to - from));
    const start = Math.max(-this.window, Math.min(this.window - length, (from + to - length) / 2));
    this.from = start; this.to = start + length;
  }
  whole() { this.show(-this.window, this.window); }
  zoom(factor, at) { // by a factor of the length; `at` stays where it is
    const length = Math.max(NARROWEST_MS, Math.min(2 * this.window, this.length * factor));
    const from = at - (at - this.from) * length / this.length;
    this.show(from, from + length);
  }
  pan(by) { this.show(this.from + by, this.to + by); }
}
