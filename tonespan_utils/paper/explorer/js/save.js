// What is shown, as a file: PNG and SVG as drawn, CSV of the energy behind it. Each carries where it comes from, as the
// figures of the paper do (`python -m tonespan_utils explain FILE` prints it), and the address that shows it again.

import { Chart, GAP } from "./chart.js";
import { drawKey } from "./curves.js";
import { SAVED_FAMILY } from "./fonts.js";
import { SvgContext } from "./svg.js";
import { nameOf, tokenLine } from "./words.js";

const WIDTH = 860, MARGIN = 12, HEAD = 44, KEY = 44, FOOT = 22; // px
const SCALE = 2; // of the PNG

export function recordOf(app) { // as provenance.describe has it, and what of the explorer was shown
  const view = Object.fromEntries(new URLSearchParams(app.address()));
  const record = { ...app.header.record, view, address: `explorer.html#${app.address()}`, caption: caption(app) };
  return JSON.stringify(record).replace(/[\u007f-\uffff]/g, letter => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function caption(app) {
  const { state, subject } = app, conditions = [state.condition, state.compare].filter(Boolean);
  const what = subject.recordings ? `${subject.label} (n = ${subject.n})` : tokenLine(state.recording.about);
  return `${app.languageInfo().name}: ${what}${state.second ? `; beside it ${tokenLine(state.second.about)}` : ""}; ${conditions.map((name, i) => `${"AB"[i]} = ${name}`).join(", ")}; layer ${app.pooled(state.condition)?.layer ?? state.layer.name}`;
}

export function drawing(app, makeContext) { // the charts side by side, with a line over and one under them
  const charts = app.subjects().map(subject => new Chart(app, subject, WIDTH)), { color, header } = app;
  const width = charts.length * (WIDTH + MARGIN) + MARGIN, height = HEAD + Math.max(...charts.map(chart => chart.height)) + KEY + FOOT, context = makeContext(width, height);
  context.fillStyle = color.paper; context.fillRect(0, 0, width, height);
  context.font = `600 13px ${app.family}`; context.fillStyle = color.ink; context.textAlign = "left"; context.textBaseline = "middle";
  context.fillText(caption(app), MARGIN, 16, width - 2 * MARGIN);
  charts.forEach((chart, i) => {
    context.save();
    context.translate(MARGIN + i * (WIDTH + MARGIN), HEAD - GAP / 2);
    if (charts.length > 1) { context.font = `12px ${app.family}`; context.fillStyle = color.soft; context.textBaseline = "middle"; context.fillText(nameOf(chart.subject.about), 0, 0); }
    chart.paint(context);
    chart.range(context);
    context.restore();
  });
  drawKey(charts[0], context, MARGIN, height - FOOT - KEY + 8, width - 2 * MARGIN);
  context.font = `11px ${app.family}`; context.fillStyle = color.soft; context.textAlign = "left"; context.textBaseline = "middle";
  const speech = header.synthetic ? "synthetic speech, no evidence about any language" : header.speech;
  context.fillText(`${speech} · profile ${header.profile} · commit ${(header.record.commit ?? "unknown").slice(0, 12)} · ${header.record.command ?? ""}`, MARGIN, height - FOOT / 2, width - 2 * MARGIN);
  return { context, width, height };
}

export function svgOf(app) {
  const { context } = drawing(app, (width, height) => Object.assign(new SvgContext(width, height), { family: SAVED_FAMILY }));
  return context.finished(caption(app), recordOf(app), app.fontRules());
}

export async function pngOf(app) {
  const canvas = document.createElement("canvas");
  drawing(app, (width, height) => {
    canvas.width = SCALE * width; canvas.height = SCALE * height;
    const context = canvas.getContext("2d");
    context.scale(SCALE, SCALE);
    return context;
  });
  const blob = await new Promise(done => canvas.toBlob(done, "image/png"));
  return withText(new Uint8Array(await blob.arrayBuffer()), "Description", recordOf(app));
}

function withText(png, keyword, content) { // a tEXt chunk (Latin-1) after the first chunk, which is always of 25 bytes
  const body = new TextEncoder().encode(`tEXt${keyword}\0${content}`), chunk = new Uint8Array(body.length + 8), numbers = new DataView(chunk.buffer);
  numbers.setUint32(0, body.length - 4); chunk.set(body, 4); numbers.setUint32(4 + body.length, crc32(body));
  const end = 33, made = new Uint8Array(png.length + chunk.length);
  made.set(png.subarray(0, end)); made.set(chunk, end); made.set(png.subarray(end), end + chunk.length);
  return made;
}

function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) { crc ^= byte; for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0); }
  return (crc ^ 0xffffffff) >>> 0;
}

const FORMULA = /^([\t\r\n]|\s*[=+\-@＝＋－＠])/, NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

function cell(value) { // as report_tables.without_formulas: a spreadsheet runs nothing of it
  let words = typeof value === "number" ? (Number.isFinite(value) ? String(value) : "") : String(value);
  if (typeof value !== "number" && !NUMBER.test(words)) {
    words = words.replace(/([;\t\r\n]\s*)(?=[=+\-@＝＋－＠])/g, "$1'");
    if (FORMULA.test(words)) words = `'${words}`;
  }
  return /[",\r\n]/.test(words) ? `"${words.replaceAll('"', '""')}"` : words;
}

const COLUMNS = ["token_id", "language", "syllable", "ipa", "tone", "speaker", "n_tokens", "condition", "layer", "from_ms", "to_ms", "share", "flat_null", "r_com_ms", "r90_ms", "p_true_tone"];

export function csvOf(app) { // a row per token shown, condition, layer and bin; A minus B where it is drawn
  const { header, state } = app, lines = [cell(`# tonespan-provenance: ${recordOf(app)}`), COLUMNS.join(",")], conditions = [state.condition, state.compare].filter(Boolean);
  const rounded = value => Number(value.toPrecision(5));
  for (const subject of app.subjects()) {
    const { about } = subject, labels = subject.recordings ? [subject.label, about.language, "", "", "", "", subject.n] : [about.id, about.language, about.syllable, about.ipa, about.tone, about.speaker, 1];
    const put = (condition, { layers, bins, values, r_com, r90, confidence }) => layers.forEach((layer, at) => {
      for (let bin = 0; bin < bins; bin++) {
        const from = -header.window_ms + bin * header.bin_ms, perLayer = [r_com, r90, confidence].map(row => row ? rounded(row[at]) : NaN);
        lines.push([...labels, condition, layer, from, from + header.bin_ms, rounded(values[at * bins + bin]), rounded(subject.flat[bin]), ...perLayer].map(cell).join(","));
      }
    });
    for (const condition of conditions) { const map = subject.map(condition); if (map) put(condition, map); }
    const minus = state.difference && state.compare && app.differenceOf(subject);
    if (minus) put(`${state.condition} minus ${state.compare}`, { ...minus, values: minus.values.map((value, i) => value * subject.flat[i % minus.bins]) });
  }
  return `${lines.join("\r\n")}\r\n`;
}

export async function save(app, kind) {
  const made = { png: pngOf, svg: svgOf, csv: csvOf }[kind], content = await made(app);
  const type = { png: "image/png", svg: "image/svg+xml", csv: "text/csv;charset=utf-8" }[kind];
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(new Blob([content], { type })), download: `${fileName(app)}.${kind}` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

function fileName(app) { // letters, digits and dashes alone: ids and conditions are anybody's text
  const { state, subject } = app, what = subject.recordings ? `mean-${state.show}` : state.recording.about.id;
  return `tonespan-${[state.language, what, state.condition, `layer-${state.layer.name}`].map(part => part.replace(/[^a-z0-9]+/gi, "-").replace(/^-|-$/g, "").slice(0, 40)).filter(Boolean).join("_")}`;
}
