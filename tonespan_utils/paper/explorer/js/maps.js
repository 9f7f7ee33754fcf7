// Energy by layer over time: as multiples of the flat null, and A minus B.

import { LEFT } from "./chart.js";
import { depth, layerLike, pooledColumn } from "./bundle.js";
import { colorbar, colorOf, image, mark, wordsOf } from "./pixels.js";
import { niceStep } from "./words.js";

const MOST_SHOWN = 0.98; // of the differences lie within the colours; the rest have the last one
const OCTAVES = 4; // the map's colours run from 1/16 to 16 times the flat null

const roleOf = (chart, condition) => {
  const { label } = chart.app.conditionsOf(chart.state.language).find(block => block.condition === condition);
  return label === condition.split("/")[1] ? condition : `${condition} (${label})`;
};

export function drawMap(chart, context, panel) {
  const { subject, state } = chart, map = subject.map(panel.condition), color = chart.color[panel.letter], { viridis } = chart.app.bundle.arrays;
  const bar = !chart.small && map ? colorbar(chart, context, panel, viridis, "1/16", "16 × null") : 0;
  chart.title(context, panel, `${panel.letter.toUpperCase()}  ${roleOf(chart, panel.condition)}${chart.small ? "" : ": gradient energy by layer"}`, color, chart.right - LEFT - bar);
  if (!map) {
    context.fillStyle = chart.color.soft; context.textAlign = "left"; context.textBaseline = "middle";
    context.fillText("Not measured for this recording: choose Measure again.", LEFT + 10, panel.top + panel.height / 2);
    return chart.frame(context, panel);
  }
  const { layers, bins, values } = map, n = layers.length, { flat } = subject, colors = wordsOf(viridis);
  const picture = image(bins, n, (bin, row) => {
    if (!flat[bin]) return 0;
    const value = values[(n - 1 - row) * bins + bin];
    return colorOf(colors, value ? (Math.log2(value / flat[bin]) + OCTAVES) / (2 * OCTAVES) : 0);
  });
  chart.blank(context, panel);
  chart.picture(context, panel, picture, false);
  layerTicks(chart, context, panel, layers);
  edges(chart, context, panel, map.r_com);
  knees(chart, context, panel, panel.condition);
  chosenRow(chart, context, panel, layers, color);
  chart.vertical(context, panel, "layer");
  chart.frame(context, panel);
}

function layerTicks(chart, context, panel, layers) {
  const n = layers.length, height = panel.height / n, every = Math.ceil(n * 13 / panel.height), chosen = layerLike(layers, chart.state.layer);
  layers.forEach((name, at) => {
    const isChosen = at === chosen, near = Math.abs(at - chosen) * height < 13;
    if (!isChosen && (near || (n - 1 - at) % every)) return;
    chart.font(context, isChosen ? "700" : "");
    chart.tick(context, panel.top + (n - at - 0.5) * height, name);
  });
  chart.font(context);
}

function edges(chart, context, panel, radii) { // white ticks at +-r_com of every layer
  const n = radii.length, height = panel.height / n;
  chart.inside(context, panel, () => radii.forEach((radius, at) => {
    const y = panel.top + (n - 1 - at) * height;
    for (const side of [-1, 1]) if (radius > 0) {
      const x = chart.x(side * radius);
      chart.line(context, x, y + 1, x, y + height - 1, "#00000099", [], 4);
      chart.line(context, x, y + 1, x, y + height - 1, "#ffffff", [], 2);
    }
  }));
}

function knees(chart, context, panel, condition) { // diamonds at half the margin knee of every layer, over all tokens
  const widths = pooledColumn(chart.app.bundle, chart.state.language, condition, "knee");
  if (!widths) return;
  const n = widths.length, height = panel.height / n, size = Math.min(chart.small ? 2.6 : 3.4, height / 2.8);
  chart.inside(context, panel, () => widths.forEach((width, at) => {
    for (const side of [-1, 1]) if (width > 0) {
      const x = chart.x(side * width / 2), y = panel.top + (n - at - 0.5) * height;
      mark(context, x, y, size + 1.6, "diamond", "#000000");
      mark(context, x, y, size, "diamond", "#ff9ecf");
    }
  }));
}

function chosenRow(chart, context, panel, layers, color) {
  const height = panel.height / layers.length, y = panel.top + (layers.length - 1 - layerLike(layers, chart.state.layer)) * height;
  context.strokeStyle = color; context.lineWidth = 2;
  context.strokeRect(LEFT + 1, y + 0.5, chart.right - LEFT - 2, height - 1);
}

export function difference({ state }, subject) { // A minus B per layer of A and bin, in multiples of the flat null; or null
  const a = subject.map(state.condition), b = subject.map(state.compare), { flat } = subject;
  if (!a || !b) return null;
  const values = Float64Array.from(a.values, (value, i) => {
    const bin = i % a.bins, name = a.layers[(i - bin) / a.bins];
    const like = layerLike(b.layers, { name, depth: depth(a.layers, name) });
    return flat[bin] ? (value - b.values[like * a.bins + bin]) / flat[bin] : NaN;
  });
  return { layers: a.layers, bins: a.bins, values };
}

export function drawDifference(chart, context, panel) {
  const made = difference(chart, chart.subject), table = chart.app.bundle.arrays.diverging;
  if (!made) {
    chart.title(context, panel, "A − B");
    context.fillStyle = chart.color.soft; context.textAlign = "left"; context.textBaseline = "middle";
    context.fillText("Needs both conditions measured for this recording.", LEFT + 10, panel.top + panel.height / 2);
    return chart.frame(context, panel);
  }
  const { layers, bins, values } = made, n = layers.length, sizes = [...values].filter(Number.isFinite).map(Math.abs).sort((x, y) => x - y);
  const most = sizes[Math.floor(MOST_SHOWN * (sizes.length - 1))], limit = most > 0 ? niceStep(most) : 1;
  const bar = chart.small ? 0 : colorbar(chart, context, panel, table, `≤ −${limit}`, `≥ ${limit} × null`);
  chart.title(context, panel, chart.small ? `A − B, ±${limit} × null` : "A − B: difference of the energy by layer (blue: more under A, red: under B)", chart.color.ink, chart.right - LEFT - bar);
  const colors = wordsOf(table), picture = image(bins, n, (bin, row) => {
    const value = values[(n - 1 - row) * bins + bin];
    return Number.isFinite(value) ? colorOf(colors, 0.5 + value / (2 * limit)) : 0;
  });
  chart.blank(context, panel);
  chart.picture(context, panel, picture, false);
  layerTicks(chart, context, panel, layers);
  chosenRow(chart, context, panel, layers, "#000000"); // its ground is light in the dark too
  chart.vertical(context, panel, "layer");
  chart.frame(context, panel);
}
