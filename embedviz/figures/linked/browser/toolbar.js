const SLOW_MS = 30; // points that take longer to draw are not drawn anew with every move
const REST_MS = 120; // without a move, after which they are
const GLIDE_MS = 220; // what a button does to the frame takes so long

/** The buttons above the maps, and what they do to how the maps are looked at. */
class Toolbar {
  constructor(maps) {
    Object.assign(this, { maps, tool: "lasso", trusting: false });
    const { find } = maps;
    find(".clear").onclick = () => maps.selection.choose([]);
    find(".nearer").onclick = () => this.zoomBy(1.6);
    find(".farther").onclick = () => this.zoomBy(1 / 1.6);
    find(".whole").onclick = () => this.zoomBy(0);
    find(".lasso").onclick = () => this.use("lasso");
    find(".pan").onclick = () => this.use("pan");
    find(".trust").onclick = () => this.trust(!this.trusting);
  }

  load(data) {
    const hasKept = data.layers.some((layer) => layer.kept);
    this.maps.find(".trust").hidden = !hasKept;
    this.trusting &&= hasKept;
    this.maps.find(".whole").disabled = this.maps.frame.isWhole;
  }

  use(tool) {
    this.tool = tool;
    this.maps.root.dataset.tool = tool;
    for (const name of ["lasso", "pan"]) this.maps.find(`.${name}`).setAttribute("aria-pressed", name === tool);
  }

  trust(trusting) {
    this.trusting = trusting;
    this.maps.find(".trust").setAttribute("aria-pressed", trusting);
    this.maps.redraw("points");
  }

  /** Follows the frame; where the points take long to draw, what is drawn already moves along until it rests. */
  framed() {
    const { maps } = this;
    maps.find(".whole").disabled = maps.frame.isWhole;
    clearTimeout(this.resting);
    if (!(maps.spent.points >= SLOW_MS)) return maps.redraw("points", "over");
    for (const panel of maps.panels) panel.carry(maps.frame);
    maps.redraw("over");
    this.resting = setTimeout(() => maps.redraw("points"), REST_MS);
  }

  /** Enlarges about the middle, gliding; by 0 goes back to the whole. */
  zoomBy(factor) {
    const { frame, flight } = this.maps;
    const from = { zoom: frame.zoom, x: frame.x, y: frame.y };
    if (factor) frame.zoomAt(factor, frame.width / 2, frame.height / 2);
    else frame.reset();
    const to = { zoom: frame.zoom, x: frame.x, y: frame.y };
    const start = performance.now();
    const glide = (now) => {
      const share = flight.calm.matches ? 1 : eased(Math.min(1, Math.max(0, now - start) / GLIDE_MS));
      for (const name of ["zoom", "x", "y"]) frame[name] = share === 1 ? to[name] : from[name] + share * (to[name] - from[name]);
      this.framed();
      if (share < 1) this.gliding = requestAnimationFrame(glide);
    };
    cancelAnimationFrame(this.gliding);
    glide(start);
  }

  close() {
    cancelAnimationFrame(this.gliding);
    clearTimeout(this.resting);
  }
}
