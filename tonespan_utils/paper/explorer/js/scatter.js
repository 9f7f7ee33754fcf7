// All tokens of a language: span against the probability of the true tone, under A; a token is chosen with a click.

import { SHAPES, SIGNS, mark, toneColors } from "./pixels.js";
import { niceStep, text } from "./words.js";

const HEIGHT = 230, SIDE = { left: 44, right: 10, top: 8, bottom: 40 };
const REACH = 24; // px from a point that still choose it

const odds = p => { const q = Math.max(1e-3, Math.min(1 - 1e-3, p)); return Math.log(q / (1 - q)); };

export class Scatter {
  constructor(app, place, legend) { this.app = app; this.place = place; this.canvas = place.querySelector("canvas"); this.legend = legend; }
  draw() {
    const { app } = this, { state, color } = app, { left, right, top, bottom } = SIDE;
    const width = this.width = this.place.clientWidth;
    if (!width) return;
    const context = app.fit(this.canvas, width, HEIGHT), pool = app.pooled(state.condition), [cue] = app.languageInfo().cue_ms;
    const all = app.tokensOf(state.language).map(token => ({ recording: token, span: token.spanAt(state.condition, state.layer), sure: token.sureAt(state.condition, state.layer) }));
    const points = all.filter(({ span }) => Number.isFinite(span)), most = 1.08 * Math.max(pool?.null ?? 0, pool?.random || 0, cue, ...points.map(({ span }) => span));
    const edge = odds(0.9995), x = p => left + (odds(p) + edge) / (2 * edge) * (width - left - right), y = value => top + (1 - value / most) * (HEIGHT - top - bottom);
    const line = (value, shade, dash) => { context.strokeStyle = shade; context.lineWidth = dash ? 1.4 : 1; context.setLineDash(dash ?? []); context.beginPath(); context.moveTo(left, y(value)); context.lineTo(width - right, y(value)); context.stroke(); context.setLineDash([]); };
    context.font = `12px ${app.family}`; context.textBaseline = "middle"; context.textAlign = "right";
    for (let value = 0, step = niceStep(most / 4); value <= most; value += step) { line(value, color.line); context.fillStyle = color.soft; context.fillText(String(value), left - 5, y(value)); }
    context.textAlign = "center"; context.textBaseline = "top";
    for (const [p, words] of [[0.001, "≤.001"], [0.01, ".01"], [0.1, ".1"], [0.5, ".5"], [0.9, ".9"], ...(width < 330 ? [] : [[0.99, ".99"]]), [0.999, "≥.999"]]) {
      context.fillStyle = color.faint; context.fillRect(x(p), HEIGHT - bottom, 1, 4);
      context.textAlign = p > 0.99 ? "right" : "center"; context.fillStyle = color.soft;
      context.fillText(words, p > 0.99 ? width : x(p), HEIGHT - bottom + 5);
    }
    context.textAlign = "center";
    context.fillText("P(true tone), log-odds scale", left + (width - left - right) / 2, HEIGHT - bottom + 22);
    context.save(); context.translate(9, top + (HEIGHT - top - bottom) / 2); context.rotate(-Math.PI / 2); context.textBaseline = "middle"; context.fillText("span 2 r_com (ms)", 0, 0); context.restore();
    if (pool) line(pool.null, color.soft, [2, 3]);
    if (pool && Number.isFinite(pool.random)) line(pool.random, color.random, [7, 2, 1.5, 2]);
    if (cue !== null) line(cue, color.cue, [6, 3]);
    const tones = app.languageInfo().tones, palette = toneColors(app.dark);
    this.points = points.map(({ recording, span, sure }) => {
      const tone = Math.max(0, tones.indexOf(recording.about.tone)), at = { recording, x: x(sure), y: y(span) };
      context.globalAlpha = state.tone && recording.about.tone !== state.tone ? 0.15 : 0.85;
      mark(context, at.x, at.y, 4, SHAPES[tone % SHAPES.length], palette[tone % palette.length]);
      context.globalAlpha = 1;
      return at;
    });
    for (const [recording, dash] of [[state.recording, []], [state.second, [3, 2]]]) {
      const at = recording && this.points.find(point => point.recording === recording);
      if (at) { context.strokeStyle = color.ink; context.lineWidth = 2; context.setLineDash(dash); context.beginPath(); context.arc(at.x, at.y, 8, 0, 2 * Math.PI); context.stroke(); context.setLineDash([]); }
    }
    this.canvas.setAttribute("aria-label", `Scatter of ${points.length} tokens of ${app.languageInfo().name} under ${state.condition}, layer ${pool?.layer}: span against the probability of the true tone. The list of tokens orders them by either.`);
    this.explain(tones, palette, pool, cue);
  }
  explain(tones, palette, pool, cue) {
    const entry = (sign, words, shade) => { const item = text("span"), glyph = text("i", sign, { "aria-hidden": "true" }); glyph.style.color = shade; item.append(glyph, words); return item; };
    const { color, state } = this.app, lines = [["┈", "flat null", color.soft]];
    if (Number.isFinite(pool?.random)) lines.push(["╍", "random weights", color.random]);
    if (cue !== null) lines.push(["╌", "cue width", color.cue]);
    lines.push(["○", state.second ? "chosen (broken: kept beside)" : "chosen", color.ink]);
    this.legend.replaceChildren(...tones.map((tone, i) => entry(SIGNS[SHAPES[i % SHAPES.length]], `tone ${tone}`, palette[i % palette.length])), ...lines.map(line => entry(...line)));
  }
  nearest(event) {
    const box = this.canvas.getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top;
    let best = null, reach = REACH ** 2;
    for (const point of this.points ?? []) { const far = (point.x - x) ** 2 + (point.y - y) ** 2; if (far < reach) { best = point; reach = far; } }
    return best?.recording;
  }
  pick(event) {
    const recording = this.nearest(event), { state } = this.app;
    if (recording) this.app.choose({ recording, ...(state.tone && recording.about.tone !== state.tone ? { tone: "" } : {}) });
  }
}
