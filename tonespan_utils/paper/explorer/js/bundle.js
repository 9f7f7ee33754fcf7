// The bundle (explorer/bundle.py): a header and gzipped arrays, and the tokens in it.
// Energy of a token is drawn from uint8 steps; numbers come as float32, unless a function says otherwise.

const KINDS = { int8: Int8Array, uint8: Uint8Array, uint16: Uint16Array, float32: Float32Array };
const VERSION = 2;
const TABLE = ["span", "low", "high", "r90", "null", "n", "f1", "chance", "random", "random_low", "random_high",
               "knee", "knee_low", "knee_high"];

export function fromBase64(letters) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(letters);
  const plain = atob(letters), bytes = new Uint8Array(plain.length);
  for (let i = 0; i < plain.length; i++) bytes[i] = plain.charCodeAt(i);
  return bytes;
}

export async function unpack(header, bytes) {
  if (header.version !== VERSION) throw new Error("this page and its data are of different versions; make them again");
  if (typeof DecompressionStream === "undefined") throw new Error("this browser is too old to unpack the data; use one of 2023 or later");
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const buffer = await new Response(stream).arrayBuffer();
  const arrays = {};
  for (const [name, { type, shape, at }] of Object.entries(header.arrays)) {
    arrays[name] = new KINDS[type](buffer, at, shape.reduce((a, b) => a * b, 1));
    arrays[name].shape = shape;
  }
  const share = new Float64Array(256);
  for (let q = 1; q < 256; q++) share[q] = 2 ** ((q - 255) / header.steps_per_octave);
  return { header, arrays, share };
}

export function depth(layers, name) { // as in study.measured.relative_depth
  const top = Math.max(...layers.filter(layer => /^\d+$/.test(layer)).map(Number));
  return name === "cnn" ? -1 / top : name === "final" ? 1 : Number(name) / top;
}

export function layerLike(layers, layer) { // the layer of that name, else the one at the nearest relative depth
  if (layers.includes(layer.name)) return layers.indexOf(layer.name);
  const gaps = layers.map(name => Math.abs(depth(layers, name) - layer.depth));
  return gaps.indexOf(Math.min(...gaps));
}

export function flatNull(header, before, after) { // a model that looks everywhere alike, within the audio there is
  const { window_ms: window, bin_ms: bin } = header, n = Math.round(2 * window / bin);
  const covered = Array.from({ length: n }, (_, i) => {
    const from = -window + i * bin;
    return Math.max(0, Math.min(from + bin, after) - Math.max(from, -before));
  });
  const total = covered.reduce((a, b) => a + b, 0);
  return covered.map(length => length / total);
}

export function shareBetween(header, values, from, to) { // of a row of bins; a bin that is cut counts by its part inside
  const { window_ms: window, bin_ms: bin } = header;
  let sum = 0;
  values.forEach((value, i) => {
    const start = -window + i * bin;
    sum += value * Math.max(0, Math.min(to, start + bin) - Math.max(from, start)) / bin;
  });
  return sum;
}

export class Recording { // one token of a bundle with what was measured on it
  constructor(bundle, index) {
    this.bundle = bundle; this.index = index; this.about = bundle.header.tokens[index];
    this.row = bundle.header.tokens.slice(0, index).filter(token => token.language === this.about.language).length;
    [this.before, this.after] = this.about.side_ms;
  }
  get flat() { return this.nulls ??= flatNull(this.bundle.header, this.before, this.after); }
  part(name) {
    const array = this.bundle.arrays[name], size = array.length / array.shape[0];
    return array.subarray(this.index * size, (this.index + 1) * size);
  }
  sound() { return this.bundle.arrays.sound.slice(...this.about.sound); }
  block(condition) {
    const { blocks } = this.bundle.header;
    const number = blocks.findIndex(block => block.condition === condition && block.language === this.about.language);
    return number < 0 ? null : { number, ...blocks[number] };
  }
  measured(condition, layer) { // the energy row, radii and confidence in one layer, or null
    const map = this.map(condition);
    if (!map) return null;
    const at = layerLike(map.layers, layer);
    return { layer: map.layers[at], at, values: map.values.subarray(at * map.bins, (at + 1) * map.bins),
             r_com: map.r_com[at], r90: map.r90[at], confidence: map.confidence[at] };
  }
  map(condition) { // shares (layer, bin) and what was measured per layer (layer), or null
    this.maps ??= new Map();
    if (!this.maps.has(condition)) this.maps.set(condition, this.decoded(condition));
    return this.maps.get(condition);
  }
  decoded(condition) {
    const block = this.block(condition);
    if (!block) return null;
    const { arrays, share } = this.bundle, n = block.layers.length, name = part => arrays[`${block.number}.${part}`];
    const bins = name("energy").shape[2], start = this.row * n * bins;
    const perLayer = part => name(part).subarray(this.row * n, (this.row + 1) * n);
    return { layers: block.layers, bins, values: Float32Array.from(name("energy").subarray(start, start + n * bins), step => share[step]),
             r_com: perLayer("r_com"), r90: perLayer("r90"), confidence: perLayer("confidence") };
  }
  spanAt(condition, layer) { return this.single(condition, layer, "r_com") * 2; }
  sureAt(condition, layer) { return this.single(condition, layer, "confidence"); }
  single(condition, layer, part) { // one number, without decoding the map: all tokens are sorted by it
    const block = this.block(condition);
    if (!block) return NaN;
    return this.bundle.arrays[`${block.number}.${part}`][this.row * block.layers.length + layerLike(block.layers, layer)];
  }
}

export function pooledOf(bundle, language, condition, layer) { // all measured tokens of a condition in one layer, or null
  const { blocks } = bundle.header, number = blocks.findIndex(block => block.condition === condition && block.language === language);
  if (number < 0) return null;
  const block = blocks[number], at = layerLike(block.layers, layer), { arrays } = bundle;
  const row = (name, width) => arrays[`${number}.${name}`].subarray(at * width, (at + 1) * width);
  const width = name => arrays[`${number}.${name}`].shape.slice(1).reduce((a, b) => a * b, 1);
  return { ...Object.fromEntries([...row("table", TABLE.length)].map((value, i) => [TABLE[i], value])),
           profile: row("pooled", width("pooled")), margin: row("margin", width("margin")), layer: block.layers[at], label: block.label,
           noFinding: block.no_finding?.[at] ?? "", noKnee: block.no_knee?.[at] ?? "" };
}

export function pooledColumn(bundle, language, condition, name) { // one column of that table for all layers, bottom up
  const number = bundle.header.blocks.findIndex(block => block.condition === condition && block.language === language);
  const table = bundle.arrays[`${number}.table`];
  return table ? Array.from({ length: table.shape[0] }, (_, at) => table[at * TABLE.length + TABLE.indexOf(name)]) : null;
}
