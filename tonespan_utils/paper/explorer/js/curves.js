// Curves over time in the chosen layer: energy per bin with its nulls, and the margin while pitch is kept or flattened.

import { LEFT } from "./chart.js";
import { mark } from "./pixels.js";
import { niceStep, text } from "./words.js";

const CROWDED = 700; // px: in a narrower chart titles are shorter
export const KEY_LINE = 18; // px between the lines of a drawn key

export function drawProfile(chart, context, panel) {
  const { subject, state, header: { window_ms: window, bin_ms: bin } } = chart, { flat } = subject;
  const curves = [...chart.conditions].reverse().map(([letter, condition]) => ({ letter, condition, pool: chart.pooled(condition), measured: subject.measured(condition, state.layer) })).filter(curve => curve.measured);
  const shown = values => values.filter((_, i) => -window + (i + 1) * bin > chart.view.from && -window + i * bin < chart.view.to);
  const others = chart.app.subjects().flatMap(other => curves.map(({ condition }) => other.measured(condition, state.layer)?.values ?? [])); // side by side on one scale
  const top = 1.12 * Math.max(...[flat, ...others, ...curves.map(({ pool }) => pool?.profile ?? [])].flatMap(values => [...shown(values)]));
  const y = value => panel.top + panel.height * (1 - value / top), bottom = panel.top + panel.height;
  const layer = curves.at(-1)?.measured.layer ?? state.layer.name;
  chart.title(context, panel, `${chart.isMean ? "Mean energy" : "Energy"} over time, layer ${layer}`);
  chart.blank(context, panel);
  bands(chart, context, panel);
  const step = niceStep(100 * top / 4) / 100;
  for (let value = 0; value <= top; value += step) {
    chart.line(context, LEFT, y(value), chart.right, y(value), chart.color.line);
    chart.tick(context, y(value), (100 * value).toFixed(step < 0.01 ? 1 : 0));
  }
  chart.vertical(context, panel, `% per ${bin} ms`);
  const path = (values, close) => {
    context.beginPath();
    if (close) context.moveTo(chart.x(-window), bottom);
    values.forEach((value, i) => { context.lineTo(chart.x(-window + i * bin), y(value)); context.lineTo(chart.x(-window + (i + 1) * bin), y(value)); });
    if (close) context.lineTo(chart.x(window), bottom);
  };
  chart.inside(context, panel, () => {
    for (const { letter, measured, pool } of curves) {
      const color = chart.color[letter];
      context.fillStyle = color; context.globalAlpha = 0.22; path(measured.values, true); context.fill(); context.globalAlpha = 1;
      context.strokeStyle = color; context.lineWidth = 1.8; path(measured.values); context.stroke();
      if (pool) { context.lineWidth = 1.2; context.setLineDash([5, 2]); path(pool.profile); context.stroke(); context.setLineDash([]); }
      for (const side of [-1, 1]) {
        if (measured.r_com > 0) chart.upright(context, panel, side * measured.r_com, color, [], 1.6);
        if (measured.r90 > 0) chart.upright(context, panel, side * measured.r90, color, [1.5, 3.5], 1.6);
      }
    }
    context.strokeStyle = chart.color.soft; context.lineWidth = 1.4; context.setLineDash([2, 2]); path(flat); context.stroke(); context.setLineDash([]);
  });
  chart.frame(context, panel);
}

function bands(chart, context, panel) { // cue width, and where permuted weights would look: half of each to either side
  const { cue, color, dark } = chart, pool = chart.pooled(chart.state.condition);
  if (cue !== null) chart.band(context, panel, -cue / 2, cue / 2, color.cue, dark ? 0.2 : 0.13);
  if (!Number.isFinite(pool?.random)) return;
  for (const side of [-1, 1]) {
    const [near, far] = [side * pool.random_low / 2, side * pool.random_high / 2];
    chart.band(context, panel, Math.min(near, far), Math.max(near, far), color.random, dark ? 0.25 : 0.15);
    chart.upright(context, panel, side * pool.random / 2, color.random, [7, 2, 1.5, 2], 1.6);
  }
}

export function profileKey(chart) { // what the lines of the profile are: [words, dash, width, colour, upright]
  const { color } = chart, pool = chart.pooled(chart.state.condition);
  return [
    [chart.isMean ? "mean of these" : "this token", [], 1.8, color.a], ["all measured tokens", [5, 2], 1.2, color.a],
    ["±r_com", [], 1.6, color.a, true], ["±radius of 90 %", [1.5, 3.5], 1.6, color.a, true], ["flat null", [2, 2], 1.4, color.soft],
    ...(Number.isFinite(pool?.random) ? [["random weights", [7, 2, 1.5, 2], 1.6, color.random, true]] : []),
    ...(chart.cue === null ? [] : [["cue width", null, 0, color.cue]]),
  ];
}

export function keyBelow(chart) { // the same as nodes
  return profileKey(chart).map(([words, dash, width, color, upright]) => {
    const item = text("span"), sample = text("i", undefined, { "aria-hidden": "true" }), style = dash?.length ? (dash[0] < 3 ? "dotted" : "dashed") : "solid";
    if (!dash) Object.assign(sample.style, { background: color, opacity: 0.35, height: "10px" });
    else Object.assign(sample.style, upright ? { borderLeft: `${width}px ${style} ${color}`, width: "10px", height: "12px", marginLeft: "8px" } : { borderTop: `${width}px ${style} ${color}`, verticalAlign: "middle" });
    item.append(sample, ` ${words}`);
    return item;
  });
}

export function drawKey(chart, context, left, y, width) { // the same on a picture that is saved, in as many lines as it takes
  let x = left;
  chart.font(context);
  context.textAlign = "left"; context.textBaseline = "middle";
  for (const [words, dash, thick, color, upright] of profileKey(chart)) {
    const needs = 30 + context.measureText(words).width + 16;
    if (x + needs > left + width) { x = left; y += KEY_LINE; }
    if (!dash) { context.globalAlpha = 0.3; context.fillStyle = color; context.fillRect(x, y - 5, 22, 10); context.globalAlpha = 1; }
    else if (upright) chart.line(context, x + 11, y - 7, x + 11, y + 7, color, dash, thick);
    else chart.line(context, x, y, x + 22, y, color, dash, thick);
    context.fillStyle = chart.color.soft; context.fillText(words, x + 28, y);
    x += needs;
  }
  return y;
}

export function drawMargin(chart, context, panel) { // over the half-width, to both sides of the centre; the mean of all tokens
  const widths = chart.header.half_widths_ms;
  const drawn = [...chart.conditions].reverse().map(([letter, condition]) => ({ letter, pool: chart.pooled(condition) })).filter(({ pool }) => pool?.margin.some(Number.isFinite));
  const at = (pool, curve, i, bound = 0) => pool.margin[(curve * widths.length + i) * 3 + bound]; // value, low, high
  const values = drawn.flatMap(({ pool }) => [...pool.margin]).filter(Number.isFinite), low = Math.min(0, ...values), high = Math.max(...values, 0.1);
  const room = 0.08 * (high - low), y = value => panel.top + panel.height * (1 - (value - low + room) / (high - low + 2 * room));
  chart.title(context, panel, chart.width < CROWDED ? "Margin, pitch kept (—) or flattened (- -) within ±h" : "Margin of all tokens with the pitch kept (solid) or flattened (dashed) only within ±h; ◆ half the margin knee");
  for (let step = niceStep((high - low) / 3), n = Math.ceil(low / step); n * step <= high; n++) {
    chart.line(context, LEFT, y(n * step), chart.right, y(n * step), chart.color.line);
    chart.tick(context, y(n * step), String(Math.round(1000 * n * step) / 1000).replace("-", "−"));
  }
  chart.vertical(context, panel, "logits");
  if (chart.cue !== null) chart.band(context, panel, -chart.cue / 2, chart.cue / 2, chart.color.cue, chart.dark ? 0.2 : 0.13);
  chart.inside(context, panel, () => drawn.forEach(({ letter, pool }) => {
    for (const side of [-1, 1]) for (const curve of [0, 1]) marginCurve(chart, context, widths.map(width => side * width), i => y(at(pool, curve, i)), i => [1, 2].map(bound => y(at(pool, curve, i, bound))), chart.color[letter], curve ? [4, 3] : []);
  }));
  drawn.forEach(({ letter, pool }) => kneeOf(chart, context, panel, pool, chart.color[letter]));
  if (!chart.small && !drawn.some(({ pool }) => pool.knee > 0)) chart.remark(context, { ...panel, top: panel.top + 22 }, `no knee: ${drawn.at(-1).pool.noKnee}`);
  chart.frame(context, panel);
}

function marginCurve(chart, context, times, y, bounds, color, dash) {
  context.fillStyle = color; context.globalAlpha = 0.13;
  context.beginPath();
  times.forEach((time, i) => context.lineTo(chart.x(time), bounds(i)[0]));
  [...times].reverse().forEach((time, i) => context.lineTo(chart.x(time), bounds(times.length - 1 - i)[1]));
  context.fill();
  context.globalAlpha = 1; context.strokeStyle = color; context.lineWidth = 1.8; context.setLineDash(dash);
  context.beginPath();
  times.forEach((time, i) => context.lineTo(chart.x(time), y(i)));
  context.stroke();
  context.setLineDash([]);
}

function kneeOf(chart, context, panel, pool, color) {
  if (!(pool.knee > 0)) return;
  const y = panel.top + panel.height - 8;
  for (const side of [-1, 1]) {
    const [near, far] = [pool.knee_low, pool.knee_high].map(width => side * width / 2);
    if (Number.isFinite(near + far)) chart.band(context, panel, Math.min(near, far), Math.max(near, far), color, 0.15);
    chart.upright(context, panel, side * pool.knee / 2, color, [], 1.2);
    if (Math.abs(side * pool.knee / 2) <= chart.view.window && chart.x(side * pool.knee / 2) > LEFT && chart.x(side * pool.knee / 2) < chart.right) mark(context, chart.x(side * pool.knee / 2), y, 5, "diamond", color);
  }
}
