// Clips of Ogg Opus, whole or between two times, and where playing has got to.

export class Player {
  constructor(onTime, onProblem) { this.onTime = onTime; this.onProblem = onProblem; this.buffers = new WeakMap(); this.turn = 0; }
  async play(recording, from, to, window) { // ms from the centre
    this.stop();
    this.recording = recording;
    const turn = this.turn, Context = globalThis.AudioContext || globalThis.webkitAudioContext;
    if (!Context) return this.onProblem("This browser plays no sound (it has no Web Audio); everything else works.");
    try {
      this.context ??= new Context();
      let buffer = this.buffers.get(recording);
      if (!buffer) this.buffers.set(recording, buffer = await this.context.decodeAudioData(recording.sound().buffer));
      await this.context.resume();
      if (turn === this.turn) this.start(buffer, from + window, to + window, window);
    } catch (error) {
      this.onProblem("This browser cannot decode the clips (Ogg Opus, as Safari before 18.4); everything else works.");
    }
  }
  start(buffer, from, to, window) { // ms from the start of the clip; 4 ms fades, or a cut would click
    const { context } = this, begin = context.currentTime + 0.02, length = (to - from) / 1000;
    const source = context.createBufferSource(), gain = context.createGain();
    source.buffer = buffer;
    source.connect(gain).connect(context.destination);
    gain.gain.setValueAtTime(0, begin);
    gain.gain.linearRampToValueAtTime(1, begin + 0.004);
    gain.gain.setValueAtTime(1, begin + Math.max(0.004, length - 0.004));
    gain.gain.linearRampToValueAtTime(0, begin + length);
    source.start(begin, from / 1000, length);
    this.source = source;
    const step = () => {
      if (this.source !== source) return;
      const at = context.currentTime - begin;
      if (at >= length) return this.stop();
      this.onTime(from + 1000 * Math.max(0, at) - window);
      this.frame = requestAnimationFrame(step);
    };
    this.frame = requestAnimationFrame(step);
  }
  stop() {
    this.turn++;
    cancelAnimationFrame(this.frame);
    try { this.source?.stop(); } catch { /* it had not begun */ }
    this.source = null;
    this.onTime(null);
  }
}
