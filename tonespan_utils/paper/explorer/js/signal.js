// What the signal looks like: waveform, log-Mel spectrogram with F0, and the pitch of many tokens.

import { GAP, LEFT } from "./chart.js";
import { median } from "./means.js";
import { image, rgba } from "./pixels.js";
import { signed } from "./words.js";

const ROOM = 18; // over the waveform, for the syllables
const PITCH_ST = 8; // the axis of pitches runs this many semitones to either side

export function drawWave(chart, context, panel) {
  const { subject, view, header: { window_ms: window } } = chart, outline = subject.part("outline"), n = outline.length / 2;
  const middle = panel.top + ROOM + (panel.height - ROOM) / 2, scale = (panel.height - ROOM) / 2 / 108;
  const [start, end] = subject.about.syllables.find(([from, to]) => from <= 0 && to >= 0) ?? [0, 0];
  chart.title(context, panel, "Waveform");
  if (!chart.small) chart.remark(context, panel, "scaled to its peak");
  chart.blank(context, panel);
  chart.band(context, panel, start, end, chart.color.a, chart.dark ? 0.22 : 0.12);
  const at = i => -window + (i + 0.5) * 2 * window / n;
  const shown = Array.from({ length: n }, (_, i) => i).filter(i => at(i) > view.from - 4 && at(i) < view.to + 4);
  chart.inside(context, panel, () => {
    context.fillStyle = chart.color.soft;
    context.beginPath();
    for (const i of shown) context.lineTo(chart.x(at(i)), middle - outline[2 * i + 1] * scale - 0.4);
    for (const i of shown.reverse()) context.lineTo(chart.x(at(i)), middle - outline[2 * i] * scale + 0.4);
    context.fill();
  });
  syllables(chart, context, panel, true);
  chart.frame(context, panel);
}

function syllables(chart, context, panel, named) {
  context.save();
  context.beginPath(); context.rect(LEFT, panel.top - GAP, chart.right - LEFT, panel.height + GAP); context.clip();
  for (const [from, to, syllable, ipa, tone] of chart.subject.about.syllables) {
    for (const at of [from, to]) chart.upright(context, panel, at, chart.color.faint, [2, 3], 1);
    if (!named) continue;
    const isToken = from <= 0 && to >= 0, left = Math.max(chart.x(from), LEFT), right = Math.min(chart.x(to), chart.right);
    chart.font(context, isToken ? "600" : "");
    const words = [`${syllable} ${ipa ? `[${ipa}] ` : ""}${tone}`, `${ipa || syllable} ${tone}`, syllable || ipa, tone]
      .find(label => label && context.measureText(label).width <= right - left - 4);
    if (!words) continue;
    context.textAlign = "center"; context.textBaseline = "top";
    context.lineWidth = 3; context.strokeStyle = chart.color.paper; context.strokeText(words, (left + right) / 2, panel.top + 3);
    context.fillStyle = isToken ? chart.color.a : chart.color.soft;
    context.fillText(words, (left + right) / 2, panel.top + 3);
  }
  context.restore();
}

function bandAt(bands, hz) { // fractional band of a frequency; bands are even in mel
  const above = bands.findIndex(band => band >= hz);
  if (above <= 0) return above === 0 ? 0 : bands.length - 1;
  return above - 1 + (hz - bands[above - 1]) / (bands[above] - bands[above - 1]);
}

export function drawMel(chart, context, panel) {
  const { subject, header: { band_hz: bands } } = chart, mel = subject.part("mel"), frames = mel.length / bands.length;
  const [shade, blue] = chart.dark ? [255, 255] : [15, 25], inks = Uint32Array.from({ length: 256 }, (_, level) => rgba(shade, shade, blue, Math.round(255 * (level / 255) ** 2.2)));
  const picture = image(frames, bands.length, (frame, row) => inks[Math.round(mel[frame * bands.length + bands.length - 1 - row])]);
  chart.title(context, panel, `${chart.isMean ? "Mean log-Mel spectrogram" : chart.small ? "Log-Mel, F0" : "Log-Mel spectrogram and F0"}`);
  chart.blank(context, panel);
  chart.picture(context, panel, picture, true);
  for (const hz of [200, 500, 1000, 2000, 4000]) {
    chart.tick(context, panel.top + panel.height * (1 - (bandAt(bands, hz) + 0.5) / bands.length), hz < 1000 ? String(hz) : `${hz / 1000}k`);
  }
  chart.vertical(context, panel, "Hz, mel scale");
  if (!chart.isMean) {
    syllables(chart, context, panel, false);
    drawF0(chart, context, panel);
  }
  chart.frame(context, panel);
}

function drawF0(chart, context, panel) {
  const track = chart.subject.part("f0"), voiced = [...track].filter(Boolean).map(tenths => tenths / 10);
  if (!voiced.length) return chart.remark(context, panel, "unvoiced throughout", chart.color.f0);
  const lowest = Math.min(...voiced), highest = Math.max(...voiced), low = lowest / 2 ** (3 / 12), high = highest * 2 ** (3 / 12);
  chart.remark(context, panel, `F0 ${lowest.toFixed(0)} to ${highest.toFixed(0)} Hz${chart.small ? "" : ", on a log scale of its own"}`, chart.color.f0);
  const y = hz => panel.top + panel.height * (0.92 - 0.84 * Math.log(hz / low) / Math.log(high / low));
  chart.inside(context, panel, () => {
    for (const [color, width] of [[chart.color.paper, 5], [chart.color.f0, 2.4]]) trace(chart, context, Float64Array.from(track, tenths => tenths ? y(tenths / 10) : NaN), color, width);
  });
}

function trace(chart, context, heights, color, width) { // a line over the window through heights; broken where there is none
  const { window_ms: window } = chart.header;
  context.strokeStyle = color; context.lineWidth = width; context.lineJoin = context.lineCap = "round";
  context.beginPath();
  heights.forEach((y, i) => {
    if (!Number.isFinite(y)) return;
    const x = chart.x(-window + (i + 0.5) * 2 * window / heights.length);
    if (i && Number.isFinite(heights[i - 1])) context.lineTo(x, y); else { context.moveTo(x, y); context.lineTo(x + 0.1, y); }
  });
  context.stroke();
}

export function drawPitches(chart, context, panel) {
  const tracks = chart.subject.pitches(), y = semitones => panel.top + panel.height * (0.5 - semitones / (2 * PITCH_ST));
  chart.title(context, panel, chart.small ? "F0, and its median" : `F0 of ${chart.subject.n} tokens and their median (semitones from each token's median)`);
  for (const semitones of [-6, 0, 6]) {
    chart.line(context, LEFT, y(semitones), chart.right, y(semitones), chart.color.line);
    chart.tick(context, y(semitones), signed(semitones));
  }
  chart.vertical(context, panel, "semitones");
  chart.inside(context, panel, () => {
    context.globalAlpha = Math.max(0.12, Math.min(0.5, 6 / tracks.length));
    for (const track of tracks) trace(chart, context, track.map(y), chart.color.soft, 1);
    context.globalAlpha = 1;
    const middle = Float64Array.from(tracks[0], (_, i) => y(median(tracks, i)));
    for (const [color, width] of [[chart.color.paper, 5], [chart.color.f0, 2.4]]) trace(chart, context, middle, color, width);
  });
  chart.frame(context, panel);
}
