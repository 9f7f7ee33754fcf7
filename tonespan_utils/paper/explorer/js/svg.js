// A context with the calls of a canvas that the charts make, which writes SVG instead: lines stay lines, text stays text.

const escaped = words => String(words).replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "").replace(/[&<>"']/g, letter => `&#${letter.charCodeAt(0)};`);
const short = number => String(Math.round(number * 100) / 100);
const ANCHOR = { left: "start", center: "middle", right: "end" };
const BASELINE = { top: "text-before-edge", middle: "central", alphabetic: "alphabetic" };
const KEPT = ["fillStyle", "strokeStyle", "lineWidth", "globalAlpha", "font", "textAlign", "textBaseline", "lineJoin", "lineCap", "imageSmoothingEnabled", "dash", "matrix", "clipped"];

export class SvgContext {
  constructor(width, height) {
    Object.assign(this, { width, height, parts: [], clips: [], stack: [], dash: [], path: "", matrix: "", clipped: "", fillStyle: "#000000", strokeStyle: "#000000", lineWidth: 1,
                          globalAlpha: 1, font: "12px sans-serif", textAlign: "left", textBaseline: "alphabetic", lineJoin: "miter", lineCap: "butt", imageSmoothingEnabled: true });
    this.ruler = document.createElement("canvas").getContext("2d");
  }
  save() { this.stack.push(Object.fromEntries(KEPT.map(name => [name, this[name]]))); }
  restore() { Object.assign(this, this.stack.pop()); }
  translate(x, y) { this.matrix += ` translate(${short(x)} ${short(y)})`; }
  rotate(angle) { this.matrix += ` rotate(${short(angle * 180 / Math.PI)})`; }
  setLineDash(dash) { this.dash = dash; }
  measureText(words) { this.ruler.font = this.font; return this.ruler.measureText(words); }
  beginPath() { this.path = ""; }
  moveTo(x, y) { this.path += `M${short(x)} ${short(y)}`; }
  lineTo(x, y) { this.path += `${this.path ? "L" : "M"}${short(x)} ${short(y)}`; }
  closePath() { this.path += "Z"; }
  rect(x, y, width, height) { this.path += `M${short(x)} ${short(y)}h${short(width)}v${short(height)}h${short(-width)}Z`; }
  arc(x, y, r) { this.path += `M${short(x - r)} ${short(y)}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0Z`; }
  clip() {
    this.clips.push(`<clipPath id="clip${this.clips.length}"><path d="${this.path}"${this.placed}/></clipPath>`);
    this.clipped = ` clip-path="url(#clip${this.clips.length - 1})"`;
  }
  get placed() { return this.matrix ? ` transform="${this.matrix.trim()}"` : ""; }
  shape(tag, attributes, content) {
    const common = `${this.globalAlpha === 1 ? "" : ` opacity="${short(this.globalAlpha)}"`}${this.placed}`;
    const element = content === undefined ? `<${tag} ${attributes}${common}/>` : `<${tag} ${attributes}${common}>${content}</${tag}>`;
    this.parts.push(this.clipped ? `<g${this.clipped}>${element}</g>` : element);
  }
  get pen() {
    const dash = this.dash.length ? ` stroke-dasharray="${this.dash.join(" ")}"` : "";
    return `fill="none" stroke="${escaped(this.strokeStyle)}" stroke-width="${short(this.lineWidth)}" stroke-linejoin="${this.lineJoin}" stroke-linecap="${this.lineCap}"${dash}`;
  }
  stroke() { if (this.path) this.shape("path", `d="${this.path}" ${this.pen}`); }
  fill() { if (this.path) this.shape("path", `d="${this.path}" fill="${escaped(this.fillStyle)}"`); }
  box(x, y, width, height) { return `x="${short(x)}" y="${short(y)}" width="${short(width)}" height="${short(height)}"`; }
  fillRect(x, y, width, height) { this.shape("rect", `${this.box(x, y, width, height)} fill="${escaped(this.fillStyle)}"`); }
  strokeRect(x, y, width, height) { this.shape("rect", `${this.box(x, y, width, height)} ${this.pen}`); }
  words(content, x, y, look, most) {
    const [, weight, size, family] = this.font.match(/^(?:(\d+|bold) )?([\d.]+)px (.*)$/);
    const squeezed = most && this.measureText(content).width > most ? ` textLength="${short(most)}" lengthAdjust="spacingAndGlyphs"` : "";
    this.shape("text", `x="${short(x)}" y="${short(y)}" font-family="${escaped(this.family ?? family)}" font-size="${size}"${weight ? ` font-weight="${weight}"` : ""} text-anchor="${ANCHOR[this.textAlign]}" dominant-baseline="${BASELINE[this.textBaseline]}"${squeezed} ${look}`, escaped(content));
  }
  fillText(content, x, y, most) { this.words(content, x, y, `fill="${escaped(this.fillStyle)}"`, most); }
  strokeText(content, x, y) { this.words(content, x, y, this.pen); }
  drawImage(canvas, ...place) { // a picture, or a part of it, as PNG inside
    const [sx, sy, sw, sh, x, y, width, height] = place.length > 4 ? place : [0, 0, canvas.width, canvas.height, ...place];
    this.clips.push(`<clipPath id="clip${this.clips.length}"><rect ${this.box(x, y, width, height)}/></clipPath>`);
    const scale = [width / sw, height / sh], whole = this.box(x - sx * scale[0], y - sy * scale[1], canvas.width * scale[0], canvas.height * scale[1]);
    const look = this.imageSmoothingEnabled ? "" : ` style="image-rendering:pixelated"`;
    this.parts.push(`<g${this.placed} clip-path="url(#clip${this.clips.length - 1})"><image ${whole} preserveAspectRatio="none"${look} href="${canvas.toDataURL("image/png")}"/></g>`);
  }
  finished(title, description, style = "") {
    const metadata = `<metadata><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:dc="http://purl.org/dc/elements/1.1/"><rdf:Description><dc:description>${escaped(description)}</dc:description></rdf:Description></rdf:RDF></metadata>`;
    return `<?xml version="1.0" encoding="UTF-8"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="${short(this.width)}" height="${short(this.height)}" viewBox="0 0 ${short(this.width)} ${short(this.height)}"><title>${escaped(title)}</title>${metadata}<defs>${style ? `<style>${style}</style>` : ""}${this.clips.join("")}</defs>${this.parts.join("\n")}</svg>\n`;
  }
}
