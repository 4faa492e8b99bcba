const MOST_RINGS = 12; // more selected points than this are shown by fading the others, not by rings
const NARROWEST = 230; // pixels of a panel; where there is less room, fewer stand beside one another
// How many panels may stand beside one another, by how many there are.
const COLUMNS = { 1: [1], 2: [2, 1], 3: [3, 2, 1], 4: [2, 1], 5: [3, 2, 1], 6: [3, 2, 1] };
const GLIDE_MS = 220; // what a button does to the frame takes so long

/** The picture: what is shown, pointed at and selected, and when which part of it is drawn again. */
class LinkedMaps {
  /** `memory` outlives the element; `chosen` is told of each new selection. */
  constructor(root, memory, chosen) {
    this.root = root;
    this.memory = memory;
    this.chosen = chosen;
    this.find = (selector) => root.querySelector(selector);
    this.stage = this.find(".stage");
    this.template = this.find("template.panel").content.firstElementChild;
    Object.assign(this, { panels: [], selected: [], highlighted: [], focus: null, hover: null, cursor: null });
    Object.assign(this, { tool: "lasso", trusting: false, moving: false, lasso: null, stale: {}, spent: {} });
    this.pointer = new Pointer(this);
    this.keys = new Keys(this);
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
    this.find(".clear").onclick = () => this.choose([]);
    this.find(".nearer").onclick = () => this.zoomBy(1.6);
    this.find(".farther").onclick = () => this.zoomBy(1 / 1.6);
    this.find(".whole").onclick = () => this.zoomBy(0);
    this.find(".lasso").onclick = () => this.use("lasso");
    this.find(".pan").onclick = () => this.use("pan");
    this.find(".trust").onclick = () => this.trust(!this.trusting);
    this.watcher = new ResizeObserver(() => this.layout());
    this.watcher.observe(this.stage);
  }

  close() {
    this.watcher.disconnect();
    this.flight.halt();
    cancelAnimationFrame(this.drawing);
    cancelAnimationFrame(this.gliding);
  }

  // What the app says

  update(settings) {
    const isNew = settings.digest !== this.settings?.digest;
    const before = this.settings;
    this.settings = settings;
    this.highlighted = settings.highlighted ?? [];
    this.focus = settings.focus ?? null;
    this.stage.setAttribute("aria-label", settings.alt);
    this.readColours();
    if (isNew) this.load(settings.data);
    if (isNew || settings.mode !== before.mode || `${settings.shown}` !== `${before.shown}`) this.build();
    if (isNew || settings.height !== before.height) this.layout();
    this.fade();
  }

  readColours() {
    const style = getComputedStyle(this.root);
    const read = (name) => style.getPropertyValue(name).trim();
    this.font = style.fontFamily;
    const colours = { background: read("--st-background-color"), ink: read("--st-text-color"), accent: read("--st-primary-color") };
    if (colours.background !== this.colours?.background) this.sprites = null;
    this.colours = { ...colours, muted: this.settings.data.theme.muted };
    if (this.data && !this.sprites) this.paint();
  }

  paint() {
    this.sprites = new Sprites(this.data.looks, this.colours.background);
    this.legend.load();
  }

  load(data) {
    this.data = data;
    this.hover = this.cursor = this.hoverStop = null;
    // The same places, coloured otherwise, are looked at as before.
    const where = JSON.stringify(data.box);
    if (this.memory.where !== where) Object.assign(this.memory, { where, frame: new Frame(data.box), position: 0 });
    this.frame = this.memory.frame;
    this.find(".whole").disabled = this.frame.isWhole;
    this.faded = new Uint8Array(data.n);
    this.paint();
    this.flight.load(this.memory.position);
    const hasKept = data.layers.some((layer) => layer.kept);
    this.find(".trust").hidden = !hasKept;
    this.trusting &&= hasKept;
  }

  get mode() {
    return this.settings.mode;
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
    const height = Math.max(this.settings.height, rows * Math.min(240, 0.9 * (this.stage.clientWidth / columns)));
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

  // What is selected

  pick(i, adds) {
    if (!adds) return this.choose([i]);
    this.choose(this.selected.includes(i) ? this.selected.filter((other) => other !== i) : [...this.selected, i]);
  }

  choose(places) {
    if (places.length === this.selected.length && places.every((i, order) => i === this.selected[order])) return;
    this.selected = places;
    this.fade();
    this.say(places.length ? `${places.length.toLocaleString("en")} selected` : "Nothing selected");
    this.chosen(places);
  }

  /** Whether a search and the legend leave an instance as it is. */
  isHeld(i) {
    const { only } = this.legend;
    return (!only.size || only.has(this.data.look[i])) && (!this.found.size || this.found.has(i));
  }

  /** Fades what is not among those selected, found or singled out in the legend. */
  fade() {
    this.found = new Set(this.highlighted);
    // One point is found by its ring; fading all the others for it would hide the map.
    const selected = this.selected.length > 1 ? new Set(this.selected) : null;
    this.hasFaded = false;
    for (let i = 0; i < this.data.n; i++) {
      this.faded[i] = this.isHeld(i) && (!selected || selected.has(i)) ? 0 : 1;
      this.hasFaded ||= this.faded[i] === 1;
    }
    this.summarise();
    this.redraw("points", "over");
  }

  summarise() {
    const { n } = this.data;
    const count = this.selected.length;
    const all = `${n.toLocaleString("en")} ${n === 1 ? "instance" : "instances"}`;
    const found = this.found.size ? ` · ${this.found.size.toLocaleString("en")} found` : "";
    this.find(".summary").textContent = (count ? `${count.toLocaleString("en")} of ${all} selected` : all) + found;
    this.find(".clear").hidden = !count;
  }

  // How it is looked at

  use(tool) {
    this.tool = tool;
    this.root.dataset.tool = tool;
    for (const name of ["lasso", "pan"]) this.find(`.${name}`).setAttribute("aria-pressed", name === tool);
  }

  trust(trusting) {
    this.trusting = trusting;
    this.find(".trust").setAttribute("aria-pressed", trusting);
    this.redraw("points");
  }

  framed() {
    this.find(".whole").disabled = this.frame.isWhole;
    this.redraw("points", "over");
  }

  /** Enlarges about the middle, gliding; by 0 goes back to the whole. */
  zoomBy(factor) {
    const { frame } = this;
    const from = { zoom: frame.zoom, x: frame.x, y: frame.y };
    if (factor) frame.zoomAt(factor, frame.width / 2, frame.height / 2);
    else frame.reset();
    const to = { zoom: frame.zoom, x: frame.x, y: frame.y };
    const start = performance.now();
    const glide = (now) => {
      const share = this.flight.calm.matches ? 1 : eased(Math.min(1, Math.max(0, now - start) / GLIDE_MS));
      for (const name of ["zoom", "x", "y"]) frame[name] = share === 1 ? to[name] : from[name] + share * (to[name] - from[name]);
      this.framed();
      if (share < 1) this.gliding = requestAnimationFrame(glide);
    };
    cancelAnimationFrame(this.gliding);
    glide(start);
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
    const { mode, hover, cursor, selected, ringed, tool, spent, frame, flight } = this;
    const panels = this.panels.map((panel) => {
      const box = panel.find(".area").getBoundingClientRect();
      const places = this.placesOf(panel);
      const points = Array.from({ length: this.data.n }, (_, i) => [
        box.left + frame.left(places[2 * i]),
        box.top + frame.top(places[2 * i + 1]),
      ]);
      return { layer: panel.layer.name, points, neighbours: (i) => this.data.neighboursOf(panel.layer, i) };
    });
    const faded = [...this.faded].filter(Boolean).length;
    const seen = { zoom: frame.zoom, position: flight.position, playing: flight.playing, columns: parseInt(this.arranged) };
    return { mode, hover, cursor, selected, ringed, tool, spent: { ...spent }, panels, faded, size: this.size, ...seen };
  }
}
