// Small canvases painted pixel by pixel, bars that explain their colours, and the marks of tones.

export const SHAPES = ["circle", "square", "triangle", "diamond", "cross", "down", "plus", "star"];
export const SIGNS = { circle: "●", square: "■", triangle: "▲", diamond: "◆", cross: "✕", down: "▼", plus: "✚", star: "★" };
const TONE_COLORS = { light: ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#8C6D31", "#5B5EA6", "#444444", "#3A9BD9"],
                      dark: ["#56B4E9", "#FF9A5C", "#4FD0A5", "#E9A6CB", "#D9BC72", "#A9ABF2", "#CFCFCF", "#8CC9F0"] };

export const toneColors = dark => TONE_COLORS[dark ? "dark" : "light"];

const canvases = new Map(); // by size: making one takes longer than painting it
const packed = new WeakMap();

export const rgba = (r, g, b, a) => ((a << 24) | (b << 16) | (g << 8) | r) >>> 0; // as a word of ImageData's bytes

export function image(columns, rows, paint) { // whose pixels `paint(column, row)` gives as such words; draw it before the next is made
  const size = `${columns} ${rows}`;
  if (!canvases.has(size)) {
    const canvas = Object.assign(document.createElement("canvas"), { width: columns, height: rows }), context = canvas.getContext("2d", { willReadFrequently: true });
    canvases.set(size, { canvas, context, pixels: context.createImageData(columns, rows) });
  }
  const { canvas, context, pixels } = canvases.get(size), words = new Uint32Array(pixels.data.buffer);
  for (let row = 0, i = 0; row < rows; row++) for (let column = 0; column < columns; column++, i++) words[i] = paint(column, row);
  context.putImageData(pixels, 0, 0);
  return canvas;
}

export function wordsOf(table) { // a colour table of 256 as words
  if (!packed.has(table)) packed.set(table, Uint32Array.from({ length: 256 }, (_, i) => rgba(table[3 * i], table[3 * i + 1], table[3 * i + 2], 255)));
  return packed.get(table);
}

export const colorOf = (words, level) => words[Math.round(255 * Math.max(0, Math.min(1, level)))]; // level 0 to 1

export function colorbar(chart, context, panel, table, low, high) { // at the right, over the panel; returns its width
  const width = 110, ends = context.measureText(high).width + 4, left = chart.right - width - ends, y = panel.top - 15;
  context.drawImage(image(width, 1, column => colorOf(wordsOf(table), column / (width - 1))), left, y, width, 9);
  context.fillStyle = chart.color.soft; context.textBaseline = "middle";
  context.textAlign = "right"; context.fillText(low, left - 4, y + 5);
  context.textAlign = "left"; context.fillText(high, left + width + 4, y + 5);
  return width + ends + context.measureText(low).width + 16;
}

export function mark(context, x, y, r, shape, color) {
  context.fillStyle = color; context.strokeStyle = color; context.lineWidth = 2;
  context.beginPath();
  const corners = points => { points.forEach(([dx, dy]) => context.lineTo(x + dx * r, y + dy * r)); context.closePath(); context.fill(); };
  if (shape === "circle") { context.arc(x, y, r, 0, 2 * Math.PI); context.fill(); }
  else if (shape === "square") context.fillRect(x - 0.85 * r, y - 0.85 * r, 1.7 * r, 1.7 * r);
  else if (shape === "triangle") corners([[0, -1.2], [1.1, 0.8], [-1.1, 0.8]]);
  else if (shape === "down") corners([[0, 1.2], [1.1, -0.8], [-1.1, -0.8]]);
  else if (shape === "diamond") corners([[0, -1.25], [1.1, 0], [0, 1.25], [-1.1, 0]]);
  else if (shape === "star") corners(Array.from({ length: 10 }, (_, i) => [Math.sin(i * Math.PI / 5) * (i % 2 ? 0.55 : 1.3), -Math.cos(i * Math.PI / 5) * (i % 2 ? 0.55 : 1.3)]));
  else {
    const arms = shape === "cross" ? [[-0.9, -0.9, 0.9, 0.9], [-0.9, 0.9, 0.9, -0.9]] : [[-1.1, 0, 1.1, 0], [0, -1.1, 0, 1.1]];
    for (const [a, b, c, d] of arms) { context.moveTo(x + a * r, y + b * r); context.lineTo(x + c * r, y + d * r); }
    context.stroke();
  }
}
