// One token, or a mean, drawn over time from the tone centre: which panels there are, their axes, what they share.
// A chart draws on any context of a canvas, or on one that writes SVG.

import { drawDifference, drawMap } from "./maps.js";
import { drawMargin, drawProfile } from "./curves.js";
import { drawMel, drawPitches, drawWave } from "./signal.js";
import { depth, layerLike, pooledOf } from "./bundle.js";
import { niceStep, signed } from "./words.js";

export const LEFT = 52; // px, for the ticks
export const GAP = 24; // px over a panel, for its title
const RIGHT = 14, AXIS = 36, SMALL = 560; // px: beside the panels, under them, and the width of a phone
const DRAW = { wave: drawWave, mel: drawMel, pitch: drawPitches, "map a": drawMap, "map b": drawMap, difference: drawDifference,
               profile: drawProfile, margin: drawMargin };

export class Chart {
  constructor(app, subject, width) {
    this.app = app; this.subject = subject; this.width = width; this.right = width - RIGHT;
    this.header = app.header; this.view = app.view; this.color = app.color; this.dark = app.dark; this.family = app.family;
    this.small = width < SMALL;
    this.layout();
  }
  get state() { return this.app.state; }
  get isMean() { return Boolean(this.subject.recordings); }
  get conditions() { return [["a", this.state.condition], ["b", this.state.compare]].filter(([, condition]) => condition); }
  get cue() { return this.app.languageInfo().cue_ms[0]; }
  layersOf(condition) { return this.app.conditionsOf(this.state.language).find(block => block.condition === condition).layers; }
  pooled(condition) { return pooledOf(this.app.bundle, this.state.language, condition, this.state.layer); }
  hasMargin() { return this.conditions.some(([, condition]) => this.pooled(condition)?.margin.some(Number.isFinite)); }
  layout() {
    this.panels = [];
    let top = 0;
    const add = (name, height, more = {}) => { this.panels.push({ name, top: top + GAP, height, ...more }); top += GAP + height; };
    add(this.isMean ? "pitch" : "wave", this.small ? 66 : 82);
    add("mel", this.small ? 110 : 140);
    for (const [letter, condition] of this.conditions) {
      const layers = this.layersOf(condition);
      add(`map ${letter}`, this.mapHeight(layers), { letter, condition, layers });
    }
    if (this.state.difference && this.state.compare) add("difference", this.mapHeight(this.layersOf(this.state.condition)), { layers: this.layersOf(this.state.condition) });
    add("profile", this.small ? 150 : 170);
    if (this.hasMargin()) add("margin", this.small ? 96 : 110);
    this.height = top + AXIS;
  }
  mapHeight(layers) { return Math.max(100, Math.min(300, layers.length * (this.small ? 14 : 16))); }

  x(at) { return LEFT + (at - this.view.from) / this.view.length * (this.right - LEFT); }
  time(x) { return this.view.from + (x - LEFT) / (this.right - LEFT) * this.view.length; }
  layerAt(panel, y) {
    const n = panel.layers.length;
    return panel.layers[n - 1 - Math.max(0, Math.min(n - 1, Math.floor((y - panel.top) / panel.height * n)))];
  }
  panelAt(y) { return this.panels.find(panel => y >= panel.top && y <= panel.top + panel.height); }

  paint(context) {
    this.font(context);
    for (const panel of this.panels) { context.save(); DRAW[panel.name](this, context, panel); context.restore(); }
    this.timeAxis(context);
  }
  font(context, weight = "") { context.font = `${weight ? `${weight} ` : ""}12px ${this.family}`; }
  inside(context, panel, draw) { // clipped to the panel
    context.save();
    context.beginPath(); context.rect(LEFT, panel.top, this.right - LEFT, panel.height); context.clip();
    draw();
    context.restore();
  }
  title(context, panel, words, color = this.color.ink, room = this.right - LEFT) {
    context.fillStyle = color; context.textAlign = "left"; context.textBaseline = "alphabetic";
    this.font(context, "600");
    context.fillText(words, LEFT, panel.top - 7, room);
    this.font(context);
  }
  remark(context, panel, words, color = this.color.soft) { // at the right, over the panel
    context.fillStyle = color; context.textAlign = "right"; context.textBaseline = "alphabetic";
    context.fillText(words, this.right, panel.top - 7);
  }
  vertical(context, panel, words) {
    context.save();
    context.translate(11, panel.top + panel.height / 2); context.rotate(-Math.PI / 2);
    context.fillStyle = this.color.soft; context.textAlign = "center"; context.textBaseline = "middle";
    context.fillText(words, 0, 0);
    context.restore();
  }
  tick(context, y, words) {
    context.fillStyle = this.color.soft; context.textAlign = "right"; context.textBaseline = "middle";
    context.fillText(words, LEFT - 5, y);
  }
  frame(context, panel) {
    context.strokeStyle = this.color.line; context.lineWidth = 1;
    context.strokeRect(LEFT + 0.5, panel.top + 0.5, this.right - LEFT - 1, panel.height - 1);
  }
  line(context, x1, y1, x2, y2, color, dash = [], width = 1) {
    context.strokeStyle = color; context.lineWidth = width; context.setLineDash(dash);
    context.beginPath(); context.moveTo(x1, y1); context.lineTo(x2, y2); context.stroke();
    context.setLineDash([]);
  }
  upright(context, panel, at, color, dash, width) { // a line at one time through a panel
    if (at >= this.view.from && at <= this.view.to) this.line(context, this.x(at), panel.top, this.x(at), panel.top + panel.height, color, dash, width);
  }
  band(context, panel, from, to, color, alpha) {
    const left = Math.max(from, this.view.from), right = Math.min(to, this.view.to);
    if (!(right > left)) return;
    context.globalAlpha = alpha; context.fillStyle = color;
    context.fillRect(this.x(left), panel.top, this.x(right) - this.x(left), panel.height);
    context.globalAlpha = 1;
  }
  blank(context, panel) { // where the recording has ended
    const { before, after } = this.subject, { window_ms: window } = this.header;
    this.band(context, panel, -window, -before, this.color.wash, 1);
    this.band(context, panel, after, window, this.color.wash, 1);
  }
  picture(context, panel, canvas, smooth) { // columns over the whole window, of which the view shows some
    const { window_ms: window } = this.header, perMs = canvas.width / (2 * window);
    context.imageSmoothingEnabled = smooth; context.imageSmoothingQuality = "high";
    context.drawImage(canvas, (this.view.from + window) * perMs, 0, this.view.length * perMs, canvas.height, LEFT, panel.top, this.right - LEFT, panel.height);
  }
  timeAxis(context) {
    const { view } = this, panel = this.panels.at(-1), y = panel.top + panel.height, step = niceStep(view.length / (this.small ? 5 : 10));
    context.fillStyle = this.color.soft; context.textBaseline = "top";
    for (let n = Math.ceil(view.from / step); n * step <= view.to + 1e-6; n++) {
      const at = Math.round(n * step * 1000) / 1000, x = this.x(at);
      this.line(context, x, y, x, y + 4, this.color.faint);
      context.textAlign = x < LEFT + 12 ? "left" : x > this.right - 12 ? "right" : "center";
      context.fillText(signed(at), x, y + 6);
    }
    context.textAlign = "center";
    context.fillText("time from the tone centre (ms)", (LEFT + this.right) / 2, y + 20);
    for (const each of this.panels) this.upright(context, each, 0, this.color.faint, [1, 4], 1);
  }
  range(context) { // the chosen stretch, through all panels
    if (!this.state.range) return;
    const [from, to] = this.state.range;
    for (const panel of this.panels) {
      this.band(context, panel, from, to, this.color.ink, 0.12);
      for (const at of [from, to]) this.upright(context, panel, at, this.color.ink, [], 1.5);
    }
  }
}

export const layerNamed = (layers, name) => ({ name, depth: depth(layers, name) });
export const layerIn = (layers, layer) => layers[layerLike(layers, layer)];
