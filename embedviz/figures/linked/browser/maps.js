const MOST_RINGS = 12; // more selected points than this are shown by fading the others, not by rings
const NARROWEST = 230; // pixels of a panel; where there is less room, fewer stand beside one another
// How many panels may stand beside one another, by how many there are.
const COLUMNS = { 1: [1], 2: [2, 1], 3: [3, 2, 1], 4: [2, 1], 5: [3, 2, 1], 6: [3, 2, 1] };

/** The picture: what is shown, pointed at and selected, and when which part of it is drawn again. */
class LinkedMaps {
  /** `memory` outlives the element; `chosen` is told of each new selection. */
  constructor(root, memory, chosen) {
    this.root = root;
    this.memory = memory;
    this.selection = new Selection(this, chosen);
    this.find = (selector) => root.querySelector(selector);
    this.stage = this.find(".stage");
    this.template = this.find("template.panel").content.firstElementChild;
    Object.assign(this, { panels: [], focus: null, hover: null, cursor: null });
    Object.assign(this, { moving: false, lasso: null, stale: {}, spent: {} });
    this.toolbar = new Toolbar(this);
    this.pointer = new Pointer(this);
    this.keys = new Keys(this);
    this.names = new Names(this);
    this.trails = new Trails(this);
    this.flight = new Flight(this, root);
    this.legend = new Legend(this, this.find(".legend"));
    this.tip = new Tip(root, this.find(".tip"));
    this.listen();
    root.__linkedMaps = this;
  }

  listen() {
    // Streamlit's own shortcuts (r, c) must not take what is typed in here.
    this.root.onkeydown = (event) => event.stopPropagation();
    this.watcher = new ResizeObserver(() => this.layout());
    this.watcher.observe(this.stage);
  }

  close() {
    this.watcher.disconnect();
    this.flight.halt();
    cancelAnimationFrame(this.drawing);
    this.toolbar.close();
  }

  // What the app says

  update(settings) {
    const isNew = settings.digest !== this.settings?.digest;
    const before = this.settings;
    this.settings = settings;
    this.selection.found = new Set(settings.highlighted ?? []);
    this.focus = settings.focus ?? null;
    this.stage.setAttribute("aria-label", settings.alt);
    this.readColours();
    if (isNew) this.load(settings.data);
    if (isNew || settings.mode !== before.mode || `${settings.shown}` !== `${before.shown}`) this.build();
    if (isNew || settings.height !== before.height) this.layout();
    this.selection.fade();
  }

  readColours() {
    const style = getComputedStyle(this.root);
    const read = (name) => style.getPropertyValue(name).trim();
    this.font = style.fontFamily;
    this.fontSize = Math.round(0.9 * parseFloat(style.fontSize));
    const colours = { background: read("--st-background-color"), ink: read("--st-text-color"), accent: read("--st-primary-color") };
    if (colours.background !== this.colours?.background) this.sprites = null;
    this.colours = { ...colours, muted: this.settings.data.theme.muted };
    if (this.data && !this.sprites) this.paint();
  }

  paint() {
    this.sprites = new Sprites(this.data.looks, this.colours.background);
    this.legend.load();
    this.redraw("points", "over");
  }

  load(data) {
    this.data = data;
    this.hover = this.cursor = this.hoverStop = null;
    // The same places, coloured otherwise, are looked at as before.
    const where = JSON.stringify(data.box);
    if (this.memory.where !== where) Object.assign(this.memory, { where, frame: new Frame(data.box), position: 0 });
    this.frame = this.memory.frame;
    this.paint();
    this.flight.load(this.memory.position);
    this.toolbar.load(data);
  }

  get mode() {
    return this.settings.mode;
  }

  get selected() {
    return this.selection.places;
  }

  // What stands where

  build() {
    const layers = this.settings.shown.map((index) => this.data.layers[index]);
    const isOne = this.mode !== "maps";
    if (this.mode !== "flight") this.flight.stop();
    const drawn = isOne ? [this.mode === "flight" ? this.flight.nearest : layers.at(-1)] : layers;
    this.panels = drawn.map((layer) => new Panel(this.template, layer));
    this.panels.forEach((panel) => this.pointer.attach(panel));
    if (this.mode === "trails") this.trails.name(this.panels[0]);
    this.stage.replaceChildren(...this.panels.map((panel) => panel.element));
    this.root.dataset.mode = this.mode;
    this.find(".flight").hidden = this.mode !== "flight";
    this.active = this.panels[0];
    this.point(null);
    this.arranged = null;
    this.layout();
  }

  /** Arranges the panels in rows and columns, all of one size. */
  layout() {
    if (!this.panels.length || !this.stage.clientWidth) return;
    const count = this.panels.length;
    const columns = COLUMNS[count].find((some) => this.stage.clientWidth / some >= NARROWEST) ?? 1;
    const rows = Math.ceil(count / columns);
    // Where many stand under one another, each keeps a height that something can be seen at.
    const least = rows > 1 ? rows * Math.min(240, 0.9 * (this.stage.clientWidth / columns)) : 0;
    const height = Math.max(this.settings.height, least);
    const arranged = `${columns}/${height}`;
    if (arranged !== this.arranged) {
      this.arranged = arranged;
      this.stage.style.gridTemplateColumns = `repeat(${columns}, minmax(0, 1fr))`;
      this.stage.style.height = `${height}px`;
    }
    const sizes = this.panels.map((panel) => panel.resize(devicePixelRatio));
    if (!sizes.includes(true)) return;
    this.frame.fit(this.panels[0].width, this.panels[0].height);
    // Points that look well on one large map are too large on a small one.
    const part = Math.min(1, Math.max(0.6, Math.min(this.frame.width, this.frame.height) / 420));
    this.size = Math.max(2.5, Math.round(this.data.size * part * 2) / 2);
    this.redraw("points", "over");
  }

  placesOf(panel) {
    return this.mode === "flight" ? this.flight.places : panel.layer.places;
  }

  // What is pointed at

  get pointed() {
    return this.hover ?? this.cursor;
  }

  /** All that is ringed, those pointed at last and so uppermost. */
  get marked() {
    const { pointed, focus } = this;
    const lit = new Set([focus, pointed].filter((i) => i !== null && i !== undefined));
    const few = this.selected.length <= MOST_RINGS;
    const rest = few ? this.selected.filter((i) => !lit.has(i)) : [];
    return [...rest.map((i) => ({ i, lines: true })), ...[...lit].map((i) => ({ i, lines: true, pointed: true }))];
  }

  point(i, panel = null, where = null) {
    const meant = `${i}/${this.hoverStop?.layer.index}`;
    const isSame = meant === this.meant;
    Object.assign(this, { hover: i, meant });
    if (i === null) {
      this.hoverStop = null;
      this.tip.hide();
    } else {
      const [outer, area] = [this.root, panel.find(".area")].map((element) => element.getBoundingClientRect());
      const place = [where[0] + area.left - outer.left, where[1] + area.top - outer.top];
      const stop = this.hoverStop;
      this.tip.show(this.data, i, stop?.layer ?? panel.layer, place, stop ? `Here: ${stop.layer.title}` : "");
    }
    this.stage.toggleAttribute("data-pointing", i !== null);
    if (!isSame) this.redraw("over");
  }

  setCursor(i) {
    if (i === this.cursor) return;
    this.cursor = i;
    this.root.toggleAttribute("data-cursor", i !== null);
    this.redraw("over");
    if (i === null) return this.tip.hide();
    const [outer, area] = [this.root, this.active.find(".area")].map((element) => element.getBoundingClientRect());
    const places = this.placesOf(this.active);
    const [x, y] = [this.frame.left(places[2 * i]), this.frame.top(places[2 * i + 1])];
    this.tip.show(this.data, i, this.active.layer, [x + area.left - outer.left, y + area.top - outer.top]);
    const parts = [this.data.text(i) || this.data.ids[i], this.data.label(i), this.active.layer.title];
    this.say(parts.filter(Boolean).join(", "));
  }

  say(text) {
    this.find(".heard").textContent = text;
  }

  activate(panel) {
    this.active = panel;
    for (const other of this.panels) other.element.toggleAttribute("data-active", other === panel);
    if (this.cursor === null) return;
    const { cursor } = this;
    this.cursor = null;
    this.setCursor(cursor);
  }

  /** Follows the flight: the places have changed, and at times the layer. */
  flew({ position, nearest, frame, playing }) {
    this.memory.position = position;
    this.moving = Boolean(frame) || playing;
    const [panel] = this.panels;
    if (this.settings?.mode !== "flight" || !panel) return;
    if (panel.layer !== nearest) panel.name(nearest);
    this.tip.hide();
    this.redraw("points", "over");
  }

  // Drawing

  redraw(...parts) {
    for (const part of parts) this.stale[part] = true;
    this.drawing ??= requestAnimationFrame(() => this.draw());
  }

  draw() {
    this.drawing = null;
    const { stale } = this;
    this.stale = {};
    if (!this.panels[0]?.width) return;
    if (stale.points) this.spent.points = this.timed(() => this.drawPoints());
    if (stale.over) this.spent.over = this.timed(() => this.drawOver());
  }

  drawPoints() {
    const opacity = this.data.opacity * (this.mode === "trails" ? FAINT : 1);
    for (const panel of this.panels) panel.drawPoints(this, this.placesOf(panel), opacity);
  }

  drawOver() {
    if (this.mode !== "trails") {
      this.ringed = this.panels.map((panel) => panel.drawOver(this, this.placesOf(panel)));
      return this.hints(this.data.n ? "" : "No instances.");
    }
    this.ringed = this.panels.map((panel) => this.trails.draw(panel));
    const most = this.data.trails.length;
    if (!this.trails.drawn.length) this.hints("Click a point, or draw a lasso around several, to see their way through the layers.");
    else this.hints(this.selected.length > most ? `The first ${most} of ${this.selected.length.toLocaleString("en")} selected are drawn.` : "");
  }

  hints(text) {
    for (const { hint } of this.panels) {
      hint.textContent = text;
      hint.hidden = !text;
    }
  }

  timed(work) {
    const start = performance.now();
    work();
    return performance.now() - start;
  }

  /** What is seen, for tests: places are those on the page. */
  state() {
    const { mode, hover, cursor, selected, ringed, toolbar: { tool }, spent, frame, flight } = this;
    const panels = this.panels.map((panel) => {
      const box = panel.find(".area").getBoundingClientRect();
      const places = this.placesOf(panel);
      const points = Array.from({ length: this.data.n }, (_, i) => [
        box.left + frame.left(places[2 * i]),
        box.top + frame.top(places[2 * i + 1]),
      ]);
      return { layer: panel.layer.name, points, names: panel.names, neighbours: (i) => this.data.neighboursOf(panel.layer, i) };
    });
    const faded = this.selection.faded.reduce((sum, value) => sum + value, 0);
    const seen = { zoom: frame.zoom, position: flight.position, playing: flight.playing, columns: parseInt(this.arranged) };
    return { mode, hover, cursor, selected, ringed, tool, spent: { ...spent }, panels, faded, size: this.size, ...seen };
  }
}
