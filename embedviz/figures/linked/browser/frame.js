const FARTHEST = 60; // how many times nearer than the whole one can go
const MARGIN = 16; // pixels between the outermost points and the edge

/** What part of the plane all panels show, by its centre and how much it is enlarged. */
class Frame {
  constructor(box) {
    this.box = box;
    this.reset();
    this.fit(1, 1);
  }

  get isWhole() {
    return this.zoom === 1 && this.x === this.middle[0] && this.y === this.middle[1];
  }

  get middle() {
    return [(this.box.left + this.box.right) / 2, (this.box.bottom + this.box.top) / 2];
  }

  get scale() {
    return this.whole * this.zoom;
  }

  reset() {
    this.zoom = 1;
    [this.x, this.y] = this.middle;
  }

  /** Fits the whole into panels of this size; one place, or none, needs a size of its own. */
  fit(width, height) {
    Object.assign(this, { width, height });
    const across = this.box.right - this.box.left || this.box.top - this.box.bottom || 1;
    const up = this.box.top - this.box.bottom || across;
    this.whole = Math.max(1e-9, Math.min((width - 2 * MARGIN) / across, (height - 2 * MARGIN) / up));
  }

  left(x) {
    return this.width / 2 + (x - this.x) * this.scale;
  }

  top(y) {
    return this.height / 2 - (y - this.y) * this.scale;
  }

  /** Enlarges about a place of the panel, which stays where it is. */
  zoomAt(factor, left, top) {
    const zoom = Math.min(FARTHEST, Math.max(1, this.zoom * factor));
    if (zoom === 1) return this.reset();
    const [dx, dy] = [(left - this.width / 2) / this.scale, (this.height / 2 - top) / this.scale];
    const rest = 1 - this.zoom / zoom;
    this.x += dx * rest;
    this.y += dy * rest;
    this.zoom = zoom;
    this.hold();
  }

  pan(dx, dy) {
    this.x -= dx / this.scale;
    this.y += dy / this.scale;
    this.hold();
  }

  /** Moves as little as brings a place into sight. */
  reveal(x, y) {
    const room = 24;
    const [left, top] = [this.left(x), this.top(y)];
    this.pan(
      Math.max(0, room - left) - Math.max(0, left - this.width + room),
      Math.max(0, room - top) - Math.max(0, top - this.height + room),
    );
  }

  /** Nobody gets lost: the centre stays within the box. */
  hold() {
    this.x = Math.min(this.box.right, Math.max(this.box.left, this.x));
    this.y = Math.min(this.box.top, Math.max(this.box.bottom, this.y));
  }
}
