// The controls and places of the explorer; no text of a corpus is in here.

export const MAX_UPLOAD_MB = 8; // a notebook server's websocket takes 10 MB a message

// On a page of its own the title is the page's; in a notebook there is one over it already.
export const withHeadings = (markup, isPage) => isPage ? markup.replace(/(<\/?h)([23])\b/g, (_, tag, level) => tag + (level - 1)) : markup;

export const PAGE = `
<header class="ts-head"><h2 class="ts-title">How far does it listen?</h2><p class="ts-note" data-id="about"></p></header>
<div class="ts-bar" role="group" aria-label="What to show">
  <label class="ts-field ts-small"><span>Language</span><select data-id="language"></select></label>
  <label class="ts-field"><span class="ts-key a">Condition A</span><select data-id="condition"></select></label>
  <label class="ts-field"><span class="ts-key b">Compare with B</span><select data-id="compare"></select></label>
  <label class="ts-field ts-small"><span>Layer</span><select data-id="layer"></select></label>
</div>
<div class="ts-bar" role="group" aria-label="Which token">
  <label class="ts-field ts-small"><span>Tone</span><select data-id="tone"></select></label>
  <label class="ts-field"><span>Order of tokens</span><select data-id="order"></select></label>
  <div class="ts-field ts-find"><label for="ts-search-#">Find a token</label>
    <input type="text" id="ts-search-#" data-id="search" role="combobox" aria-expanded="false" aria-controls="ts-results-#" aria-autocomplete="list" autocomplete="off" spellcheck="false" placeholder="syllable, IPA, tone, speaker">
    <ul class="ts-results" id="ts-results-#" data-id="results" role="listbox" aria-label="Tokens that match" hidden></ul></div>
  <div class="ts-field ts-wide"><span aria-hidden="true">Token</span><div class="ts-step">
    <button type="button" data-id="previous" aria-label="Previous token" title="Previous token (←)">←</button>
    <select data-id="token" aria-label="Token"></select>
    <button type="button" data-id="next" aria-label="Next token" title="Next token (→)">→</button></div></div>
</div>
<div class="ts-bar ts-tools">
  <div class="ts-play" role="group" aria-label="Listen">
    <button type="button" class="ts-primary" data-id="play" title="Play the clip (Space)">▶ Clip</button>
    <button type="button" data-id="playspan" title="Play only ±r_com of A (S)">▶ Span A</button>
    <button type="button" data-id="playspanb" title="Play only ±r_com of B (D)">▶ Span B</button>
    <button type="button" data-id="stop" title="Stop (Escape)" aria-label="Stop">■</button>
  </div>
  <label class="ts-inline"><span>Show</span><select data-id="show" title="One token, or a mean over tokens (M)"></select></label>
  <button type="button" data-id="difference" aria-pressed="false" title="Map of A minus B (B)">A − B</button>
  <button type="button" data-id="keep" aria-pressed="false" title="Keep this token beside the next ones (P)">Keep beside</button>
  <div class="ts-play" role="group" aria-label="Zoom">
    <button type="button" data-id="zoomout" aria-label="Zoom out" title="Zoom out (−)">−</button>
    <button type="button" data-id="zoomin" aria-label="Zoom in" title="Zoom in (+)">+</button>
    <button type="button" data-id="zoomall" title="The whole window (0)">Whole</button>
  </div>
  <button type="button" data-id="theme" title="Light or dark" aria-label="Light or dark">◐</button>
</div>
<p class="ts-error" data-id="problem" role="alert" hidden></p>
<div class="ts-main">
  <div>
    <div class="ts-stages" data-id="stages"></div>
    <div class="ts-legend ts-key-below" data-id="key" aria-label="Lines of the energy over time"></div>
    <p class="ts-status" data-id="hover" aria-hidden="true"></p>
    <section class="ts-card ts-range" aria-label="Range of time">
      <div class="ts-row"><strong>Range</strong>
        <label class="ts-inline"><span>from</span><input type="number" step="5" data-id="from" aria-label="Range from, ms"></label>
        <label class="ts-inline"><span>to</span><input type="number" step="5" data-id="to" aria-label="Range to, ms"><span>ms</span></label>
        <button type="button" data-id="playrange" title="Play the range (R)">▶ Range</button>
        <button type="button" data-id="zoomrange" title="Zoom to the range (Z)">Zoom to it</button>
        <button type="button" data-id="clear" title="No range (Escape)">Clear</button></div>
      <table data-id="shares" aria-live="polite"></table>
      <p class="ts-note" data-id="rangenote"></p>
    </section>
  </div>
  <aside class="ts-side" aria-label="Numbers">
    <section class="ts-card"><h3 data-id="heading" aria-live="polite"></h3><table data-id="numbers"></table></section>
    <section class="ts-card"><h3>All tokens: span against the probe's confidence</h3>
      <div class="ts-scatter" data-id="scatter"><canvas role="img"></canvas></div><div class="ts-legend" data-id="legend"></div></section>
    <section class="ts-card"><h3>Save and share</h3><div class="ts-play">
      <button type="button" data-id="link">Copy link</button><button type="button" data-id="png">PNG</button>
      <button type="button" data-id="svg">SVG</button><button type="button" data-id="csv">CSV</button></div>
      <p class="ts-note" data-id="saved" role="status">Files carry where they come from; <code>explain FILE</code> prints it.</p></section>
    <section class="ts-card" data-id="own"></section>
    <details class="ts-card"><summary>Keys</summary>
      <label class="ts-inline ts-switch"><input type="checkbox" data-id="keys" checked><span>single keys work (Tab and Enter always do)</span></label>
      <div class="ts-keys">
      <kbd>← →</kbd><span>previous, next token</span><kbd>↑ ↓</kbd><span>layer up, down</span><kbd>Space</kbd><span>play the clip</span>
      <kbd>S D</kbd><span>play inside the span of A, of B</span><kbd>R Z</kbd><span>play the range, zoom to it</span>
      <kbd>+ − 0</kbd><span>zoom in, out, the whole window</span><kbd>Shift ← →</kbd><span>move while zoomed in</span>
      <kbd>X</kbd><span>swap A and B</span><kbd>B</kbd><span>map of A − B</span><kbd>M</kbd><span>token, or the next mean</span><kbd>P</kbd><span>keep this token beside</span>
      <kbd>C L T</kbd><span>next condition, language, tone</span><kbd>/</kbd><span>find a token</span><kbd>Esc</kbd><span>stop; then no range</span></div>
      <p class="ts-note">In the figure: drag for a range, wheel or pinch to zoom, Shift and drag to move, click in a map for its layer, elsewhere to play from there.</p></details>
  </aside>
</div>`;

export const MEASURE = `<h3>Measure my recording</h3><div class="ts-measure">
  <label class="ts-field"><span>Audio file (wav, flac, mp3, ogg; up to 30 s, ${MAX_UPLOAD_MB} MB)</span><input type="file" accept="audio/*,.wav,.flac,.mp3,.ogg,.opus" data-own="file"></label>
  <div class="ts-row"><label class="ts-field"><span>Tone centre (s)</span><input type="number" min="0" step="0.01" value="0.5" style="width:90px" data-own="center"></label>
  <label class="ts-field"><span>Tone</span><select data-own="tone"></select></label>
  <button type="button" data-own="go">Measure</button></div><p class="ts-note" data-own="line" role="status"></p></div>`;
