// A chart on the page, and what a pointer does in it: point, click, drag a range, zoom by wheel or pinch, move.

import { Chart, layerNamed } from "./chart.js";
import { text } from "./words.js";

const DRAG_PX = 5; // less is a click
const SCROLLING_MS = 300; // after the page has moved, a turn of the wheel goes on moving it

export class Stage {
  constructor(app, place) {
    this.app = app; this.pointers = new Map(); this.undo = [];
    this.host = text("div", undefined, { class: "ts-stage" });
    this.base = text("canvas", undefined, { class: "ts-base", role: "img" });
    this.over = text("canvas", undefined, { class: "ts-over", "aria-hidden": "true" });
    this.heading = text("p", "", { class: "ts-stage-name" });
    this.host.append(this.base, this.over);
    this.frame = text("div", undefined, { class: "ts-frame" });
    this.frame.append(this.heading, this.host);
    place.append(this.frame);
    const on = (target, type, act, options) => { target.addEventListener(type, act, options); this.undo.push(() => target.removeEventListener(type, act, options)); };
    on(this.host, "pointerdown", event => this.down(event));
    on(this.host, "pointermove", event => this.move(event));
    on(this.host, "pointerup", event => this.up(event));
    on(this.host, "pointercancel", event => this.cancel(event));
    on(this.host, "pointerleave", () => { this.pointer = null; this.drawOver(); });
    on(this.host, "dblclick", () => app.clearRange());
    on(this.host, "wheel", event => this.wheel(event), { passive: false });
    on(document, "scroll", () => { this.scrolled = performance.now(); }, { passive: true, capture: true });
  }
  close() { this.undo.forEach(undo => undo()); this.frame.remove(); }
  draw(subject, heading, label) {
    this.heading.textContent = heading; this.heading.hidden = !heading;
    this.base.setAttribute("aria-label", label);
    const width = this.host.clientWidth;
    if (!width) return;
    this.chart = new Chart(this.app, subject, width);
    this.chart.paint(this.app.fit(this.base, width, this.chart.height));
    this.app.fit(this.over, width, this.chart.height);
    this.drawOver();
  }
  drawOver() {
    const { chart, app } = this;
    if (!chart) return;
    const context = this.over.getContext("2d");
    context.clearRect(0, 0, chart.width, chart.height);
    chart.range(context);
    const bar = (at, color, width) => chart.panels.forEach(panel => chart.upright(context, panel, at, color, [], width));
    if (this.pointer) bar(this.pointer.at, app.color.ink, 1);
    if (app.playhead != null && app.player.recording === chart.subject) bar(app.playhead, app.color.f0, 2.5);
  }
  place(event) {
    const box = this.host.getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top, { view } = this.chart;
    return { x, y, at: Math.max(view.from, Math.min(view.to, this.chart.time(x))), panel: this.chart.panelAt(y) };
  }
  down(event) {
    if (!this.chart || (event.pointerType === "mouse" && event.button !== 0)) return;
    this.pointers.set(event.pointerId, this.place(event));
    const { view } = this.app;
    if (this.pointers.size === 2) {
      const [a, b] = [...this.pointers.values()];
      this.drag = { kind: "pinch", at: [Math.min(a.at, b.at), Math.max(a.at, b.at)] };
    } else this.drag = { kind: event.shiftKey ? "move" : "range", start: this.place(event), from: view.from, begun: false };
  }
  move(event) {
    if (!this.chart) return;
    this.pointer = this.place(event);
    if (this.pointers.has(event.pointerId)) {
      this.pointers.set(event.pointerId, this.pointer);
      if (this.drag?.kind === "pinch") return this.pinch();
      const moved = this.pointer.x - (this.drag?.start.x ?? this.pointer.x);
      if (this.drag && !this.drag.begun && Math.abs(moved) >= DRAG_PX) {
        this.drag.begun = true;
        this.host.setPointerCapture?.(event.pointerId);
      }
      if (this.drag?.begun && this.drag.kind === "move") {
        const { view } = this.app, by = -moved / (this.chart.right - this.chart.x(view.from)) * view.length;
        view.show(this.drag.from + by, this.drag.from + by + view.length);
        return this.app.viewed();
      }
      if (this.drag?.begun) return this.app.setRange([this.drag.start.at, this.pointer.at], { isLive: true });
    }
    this.drawOver();
    this.app.point(this);
  }
  pinch() {
    const [left, right] = [...this.pointers.values()].map(({ x }) => x).sort((a, b) => a - b), [a, b] = this.drag.at, { view } = this.app;
    if (right - left < 10 || b - a < 1) return;
    const perPx = (b - a) / (right - left), start = this.chart.x(view.from), from = a - (left - start) * perPx;
    view.show(from, from + perPx * (this.chart.right - start));
    this.app.viewed();
  }
  up(event) {
    const { drag } = this;
    this.pointers.delete(event.pointerId);
    if (this.pointers.size || !drag) return;
    this.drag = null;
    if (drag.kind === "range" && drag.begun) this.app.setRange([drag.start.at, this.place(event).at]);
    else if (drag.kind !== "pinch" && !drag.begun) this.pick(event);
    else this.app.settled();
  }
  cancel(event) { // the page scrolls instead
    this.pointers.delete(event.pointerId);
    if (this.drag?.kind === "range" && this.drag.begun) this.app.clearRange();
    this.drag = null; this.pointer = null;
    this.drawOver();
  }
  pick(event) {
    const { at, panel, y } = this.place(event), { app } = this, { window_ms: window } = app.header;
    if (panel?.layers) return app.choose({ layer: layerNamed(panel.layers, this.chart.layerAt(panel, y)) });
    const recording = app.stages.indexOf(this) ? app.state.second : app.state.recording;
    if (panel && at < Math.min(window, recording.after)) app.play(recording, at, window);
  }
  wheel(event) {
    const { app } = this, { view } = app, pinches = event.ctrlKey || event.metaKey;
    if (!this.chart || (!pinches && performance.now() - (this.scrolled ?? -1e9) < SCROLLING_MS)) return;
    const unit = event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? 400 : 1, x = event.deltaX * unit, y = event.deltaY * unit;
    const sideways = event.shiftKey ? x || y : Math.abs(x) > Math.abs(y) ? x : 0;
    if (!pinches && sideways) {
      if (view.isWhole) return;
      view.pan(sideways / (this.chart.right - this.chart.x(view.from)) * view.length);
    } else {
      if (!pinches && view.isWhole && y > 0) return; // nothing left to zoom out of: the page scrolls
      view.zoom(Math.exp(Math.max(-1, Math.min(1, y * (pinches ? 0.01 : 0.0018)))), this.place(event).at);
    }
    event.preventDefault();
    app.viewed();
  }
}

export function described(app, { at, panel, y }, chart) { // what is under the pointer, in one line
  const { state } = app, { subject } = chart, { window_ms: window, bin_ms: bin, band_hz: bands } = app.header;
  const share = (at + window) / (2 * window), parts = [`${at < 0 ? "−" : "+"}${Math.abs(at).toFixed(0)} ms`];
  if (!chart.isMean) {
    const track = subject.part("f0"), hz = track[Math.min(track.length - 1, Math.floor(share * track.length))];
    parts.push(hz ? `F0 ${(hz / 10).toFixed(0)} Hz` : "unvoiced");
  }
  if (panel?.name === "mel") {
    const row = (1 - (y - panel.top) / panel.height) * bands.length - 0.5;
    parts.push(`${bands[Math.max(0, Math.min(bands.length - 1, Math.round(row)))].toFixed(0)} Hz`);
  }
  const n = Math.round(2 * window / bin), number = Math.min(n - 1, Math.floor(share * n)), flat = subject.flat[number];
  for (const [letter, condition] of chart.conditions) {
    const isHere = panel?.layers && (panel.letter === letter || panel.name === "difference");
    const measured = subject.measured(condition, isHere ? layerNamed(panel.layers, chart.layerAt(panel, y)) : state.layer);
    if (!measured) continue;
    const value = measured.values[number], times = flat ? ` = ${(value / flat).toFixed(value < flat ? 2 : 1)} × null` : "";
    parts.push(`${letter.toUpperCase()} layer ${measured.layer}: ${(100 * value).toFixed(2)} %${times}`);
  }
  return parts.join(" · ");
}
