const FAINT = 0.35; // what stays of the points beneath the trails

/** The paths of a few instances through all layers, first dot hollow, last one filled. */
class Trails {
  constructor(maps) {
    this.maps = maps;
    this.stops = []; // where the dots are, to tell what the pointer is on
  }

  name(panel) {
    const { title } = panel.layer;
    const [first, last] = [this.maps.data.layers[0], this.maps.data.layers.at(-1)];
    panel.name(panel.layer, first === last ? title : `${first.title} → ${last.title}`, `faint points: ${title}`);
  }

  /** Whose trails are drawn, and in which colour: what is selected, and what is pointed at. */
  get drawn() {
    const { selected, focus, pointed, data, colours } = this.maps;
    const chosen = (selected.length || focus === null ? selected : [focus]).slice(0, data.trails.length);
    const found = chosen.map((i, order) => ({ i, colour: data.trails[order] }));
    const pointedAt = found.find(({ i }) => i === pointed);
    if (pointed !== null && !pointedAt) found.push({ i: pointed, colour: colours.ink, isGlance: true });
    return found;
  }

  draw(panel) {
    const context = panel.above();
    this.stops = [];
    const { drawn } = this;
    const glanced = drawn.some(({ i }) => i === this.maps.pointed) && this.maps.hoverStop;
    const ends = [];
    for (const trail of drawn) {
      context.globalAlpha = glanced && trail.i !== this.maps.pointed ? 0.35 : 1;
      const end = this.drawTrail(context, trail);
      if (end) ends.push({ ...end, ...trail });
    }
    context.globalAlpha = 1;
    panel.names = this.maps.names.write(context, ends, this.stops);
    return drawn.length;
  }

  drawTrail(context, { i, colour, isGlance }) {
    const { frame, data, colours } = this.maps;
    const stops = [];
    for (const layer of data.layers) {
      const [x, y] = [layer.places[2 * i], layer.places[2 * i + 1]];
      if (x === x) stops.push({ i, layer, x: frame.left(x), y: frame.top(y) });
    }
    if (!stops.length) return null;
    context.beginPath();
    for (const { x, y } of stops) context.lineTo(x, y);
    for (const [width, style] of [[5, colours.background], [isGlance ? 1.5 : 2.25, colour]]) {
      context.lineWidth = width;
      context.strokeStyle = style;
      context.stroke();
    }
    stops.forEach(({ x, y }, order) => {
      const isEnd = order === stops.length - 1;
      context.beginPath();
      context.arc(x, y, isEnd ? 6 : order ? 3.25 : 5, 0, 2 * Math.PI);
      context.fillStyle = order ? colour : colours.background;
      context.strokeStyle = order ? colours.background : colour;
      context.lineWidth = order ? 1.5 : 2.25;
      context.fill();
      context.stroke();
    });
    this.stops.push(...stops);
    return stops.at(-1);
  }

  /** The dot under the pointer, if there is one. */
  stopAt(x, y) {
    let [best, least] = [null, 9 * 9];
    for (const stop of this.stops) {
      const distance = (stop.x - x) ** 2 + (stop.y - y) ** 2;
      if (distance < least) [best, least] = [stop, distance];
    }
    return best;
  }
}
