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
  const more = rest - rows.length;
  const list = element("ul", { className: "examples" }, ...cards);
  host.replaceChildren(list);
  if (more > 0) host.append(element("p", { className: "note", textContent: `and ${more.toLocaleString("en")} more` }));
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
  host.append(element("ul", { className: "bars" }, ...shown));
  if (reference) host.append(element("p", { className: "note reference", textContent: `The upright line: ${reference.told}` }));
}

/** Linked maps in a shadow of their own. What could lose the presenter (tools, the keys of the points) is left out. */
function showMaps(host, picture, theme) {
  const inner = element("div", { className: "maps" });
  host.replaceChildren(inner);
  const shadow = inner.attachShadow({ mode: "open" });
  const { html, css } = mapsMarkup;
  shadow.innerHTML = `<style>${css}\n.bar, .keys { display: none !important; } .linked { font-size: 1rem; }</style>${html}`;
  const view = new LinkedMaps(shadow.querySelector(".linked"), {}, () => {});
  const data = new MapData(JSON.stringify({ ...picture.maps, ...(theme === "dark" ? picture.dark : {}) }));
  const stage = shadow.querySelector(".stage");
  const titles = data.layers.map((layer) => layer.title);
  const alt = `${titles.length === 1 ? "A map" : "Maps"} of ${data.n.toLocaleString("en")}: ${titles.join(", ")}`;
  const settings = { mode: picture.mode, shown: titles.map((_, at) => at).slice(0, 6), alt, digest: "one", data };
  view.selection.places = picture.selected;
  view.update({ ...settings, height: 300 });
  if (picture.trusting) view.toolbar.trust(true);
  stage.removeAttribute("tabindex");
  stage.removeAttribute("aria-describedby");
  stage.removeAttribute("aria-roledescription");
  stage.setAttribute("role", "img");
  const fit = () => {
    const beside = view.root.offsetHeight - stage.offsetHeight;
    view.update({ ...settings, height: Math.max(180, host.clientHeight - beside) });
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
