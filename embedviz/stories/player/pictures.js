// The colours of numbers below and above zero, red, green and blue, by theme.
const SIGNS = { light: [[163, 71, 0], [11, 90, 148]], dark: [[243, 154, 77], [124, 195, 242]] };
const GROUNDS = { light: [247, 247, 247], dark: [27, 32, 41] };

/** Puts a picture into `host`; what comes back is closed before another takes its place. */
function showPicture(host, picture, theme) {
  const draw = { examples: showExamples, strips: showStrips, bars: showBars, maps: showMaps }[picture.kind];
  host.dataset.kind = picture.kind;
  return draw(host, picture, theme) ?? { close() {} };
}

function showExamples(host, { rows, groups, rest }) {
  const counts = new Map(groups);
  const cards = rows.map((row) => {
    const card = element("li", {}, instanceElement(row));
    const count = counts.get(row.label);
    if (row.label) card.append(element("span", { className: "label", textContent: count ? `${row.label} · ${count}` : row.label }));
    return card;
  });
  const note = element("p", { className: "note" });
  host.replaceChildren(element("ul", { className: "examples" }, ...cards), note);
  // As many as there is room for, one at least.
  const fit = () => {
    for (const card of cards) card.hidden = false;
    let shown = cards.length;
    const tell = () => { note.textContent = rest > shown ? `and ${(rest - shown).toLocaleString("en")} more` : ""; };
    tell();
    while (shown > 1 && host.scrollHeight > host.clientHeight) {
      cards[(shown -= 1)].hidden = true;
      tell();
    }
  };
  const watcher = new ResizeObserver(fit);
  watcher.observe(host);
  fit();
  return { close: () => watcher.disconnect() };
}

function showStrips(host, { rows, width }, theme) {
  const vectors = rows.map((row) => new Float32Array(bytes(row.values).buffer));
  const largest = Math.max(...vectors.map((vector) => vector.reduce((most, value) => Math.max(most, Math.abs(value)), 0))) || 1;
  const shown = rows.map((row, place) => {
    const told = row.cosine === null ? "" : `cosine ${cosineText(row.cosine)}`;
    const canvas = paintStrip(vectors[place], largest, theme);
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `${width} numbers as colours`);
    const head = element("p", { className: "head" }, instanceElement(row), element("span", { className: "told", textContent: told }));
    return element("div", { className: "strip" }, head, canvas);
  });
  const many = vectors[0].length < width ? `The first ${vectors[0].length} of ${width.toLocaleString("en")} numbers. ` : "";
  const note = `${many}Each line is a number: blue above zero, orange below, pale near it.`;
  host.replaceChildren(element("div", { className: "strips" }, ...shown), element("p", { className: "note", textContent: note }));
}

function paintStrip(vector, largest, theme) {
  const canvas = element("canvas", { width: vector.length, height: 1 });
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(vector.length, 1);
  vector.forEach((value, at) => {
    const share = Math.sqrt(Math.min(1, Math.abs(value) / largest)) || 0;
    const colour = SIGNS[theme][value > 0 ? 1 : 0];
    for (let part = 0; part < 3; part++) {
      pixels.data[4 * at + part] = GROUNDS[theme][part] + share * (colour[part] - GROUNDS[theme][part]);
    }
    pixels.data[4 * at + 3] = 255;
  });
  context.putImageData(pixels, 0, 0);
  return canvas;
}

function showBars(host, { rows, reference, caption }) {
  const percent = (value) => `${100 * Math.min(1, Math.max(0, value))}%`;
  const shown = rows.map(({ name, value, told }) => {
    const fill = element("span", { className: "fill" });
    fill.style.width = percent(value);
    const track = element("span", { className: "track" }, fill);
    if (reference) {
      const line = element("span", { className: "line" });
      line.style.left = percent(reference.value);
      track.append(line);
    }
    return element("li", {}, element("span", { className: "name", textContent: name, title: name }), track, element("span", { className: "told", textContent: told }));
  });
  host.replaceChildren();
  if (caption) host.append(element("p", { className: "note", textContent: caption }));
  // Where there is no room for all of them, the list scrolls.
  host.append(element("ul", { className: "bars", tabIndex: 0 }, ...shown));
  if (reference) host.append(element("p", { className: "note reference", textContent: `The upright line: ${reference.told}` }));
}

/** Places of the maps to show side by side: six at most, and fewer, the first and the last among them, for less room. */
function shownOf(count) {
  const all = Array.from({ length: Math.min(count, 6) }, (_, at) => at);
  const last = all.length - 1;
  return [all, [0, Math.round(last / 2), last], [0, last], [last]].filter((some, at) => !at || some.length < all.length);
}

/** Linked maps in a shadow of their own. What could lose the presenter (tools, the keys of the points) is left out. */
function showMaps(host, picture, theme) {
  const inner = element("div", { className: "maps" });
  host.replaceChildren(inner);
  const shadow = inner.attachShadow({ mode: "open" });
  const { html, css } = mapsMarkup;
  const large = ".bar, .keys { display: none !important; } .linked, .caption { font-size: 1.0625rem !important; }";
  const one = picture.maps.layers.length === 1 || picture.mode === "flight";
  // Beside other maps, there is no room for a title and a caption in one line.
  const below = one ? "" : ".head { flex-direction: column; gap: 0; align-items: stretch; } .caption { max-width: none; }";
  shadow.innerHTML = `<style>${css}\n${large}\n${below}</style>${html}`;
  const view = new LinkedMaps(shadow.querySelector(".linked"), {}, () => {});
  const data = new MapData(JSON.stringify({ ...picture.maps, ...(theme === "dark" ? picture.dark : {}) }));
  const stage = shadow.querySelector(".stage");
  const titles = data.layers.map((layer) => layer.title);
  const alt = `${titles.length === 1 ? "A map" : "Maps"} of ${data.n.toLocaleString("en")}: ${titles.join(", ")}`;
  const settings = { mode: picture.mode, alt, digest: "one", data };
  const choices = picture.mode === "flight" ? [[0]] : shownOf(titles.length);
  view.selection.places = picture.selected;
  view.update({ ...settings, shown: choices[0], height: 300 });
  if (picture.trusting) view.toolbar.trust(true);
  stage.removeAttribute("tabindex");
  stage.removeAttribute("aria-describedby");
  stage.removeAttribute("aria-roledescription");
  stage.setAttribute("role", "img");
  const note = element("p", { className: "note" });
  host.append(note);
  const fit = () => {
    for (const shown of choices) {
      note.hidden = shown.length === choices[0].length;
      note.textContent = `${shown.length} of ${choices[0].length} maps; in full screen there is room for more.`;
      const room = host.clientHeight - (note.hidden ? 0 : note.offsetHeight + 8);
      const beside = view.root.offsetHeight - stage.offsetHeight;
      view.update({ ...settings, shown, height: Math.max(80, room - beside) });
      if (view.root.offsetHeight <= room + 1) return;
    }
  };
  const watcher = new ResizeObserver(fit);
  watcher.observe(host);
  const start = picture.mode === "flight" ? setTimeout(() => view.flight.play(), 900) : null;
  return {
    close() {
      clearTimeout(start);
      watcher.disconnect();
      view.close();
    },
  };
}
