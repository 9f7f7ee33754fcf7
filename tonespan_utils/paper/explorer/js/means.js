// Averages over tokens, drawn as a token is: the mean share per bin and layer, the mean span, the pitch of all of them.

const MEANS = ["r_com", "r90", "confidence"];

export class Mean {
  constructor(recordings, label) {
    this.recordings = recordings; this.label = label; this.maps = new Map(); this.n = recordings.length;
    this.bundle = recordings[0].bundle; // colours and window are those of every token
    this.about = { ...recordings[0].about, id: label, syllables: [] };
    this.before = Math.max(...recordings.map(token => token.before));
    this.after = Math.max(...recordings.map(token => token.after));
  }
  get flat() { return this.nulls ??= average(this.recordings.map(token => token.flat)); }
  map(condition) {
    if (!this.maps.has(condition)) {
      const maps = this.recordings.map(token => token.map(condition)).filter(Boolean);
      this.maps.set(condition, maps.length ? {
        layers: maps[0].layers, bins: maps[0].bins, values: average(maps.map(map => map.values)),
        ...Object.fromEntries(MEANS.map(name => [name, average(maps.map(map => map[name]))])),
      } : null);
    }
    return this.maps.get(condition);
  }
  measured(condition, layer) { return this.recordings[0].measured.call(this, condition, layer); }
  part(name) { // of "mel": the mean picture
    return this.mel ??= average(this.recordings.map(token => token.part(name)));
  }
  pitches() { // of every token, in semitones from its own median over the window; nan where unvoiced
    return this.tracks ??= this.recordings.map(token => {
      const track = token.part("f0"), voiced = [...track].filter(Boolean).sort((a, b) => a - b), middle = voiced[voiced.length >> 1];
      return Float64Array.from(track, value => value ? 12 * Math.log2(value / middle) : NaN);
    });
  }
}

export function average(rows) { // what is not a number in a row is left out of that place
  const sum = new Float64Array(rows[0].length), n = new Uint32Array(rows[0].length);
  for (const row of rows) for (let i = 0; i < sum.length; i++) if (Number.isFinite(row[i])) { sum[i] += row[i]; n[i]++; }
  return sum.map((value, i) => value / n[i]);
}

export function median(rows, i) { // of column i of rows, over the rows that have a number there
  const values = rows.map(row => row[i]).filter(Number.isFinite).sort((a, b) => a - b);
  return values.length < rows.length / 2 ? NaN : values[values.length >> 1];
}
