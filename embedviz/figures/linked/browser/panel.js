const RING = 5; // pixels between a point and its ring

/** One map: its title, a canvas for the points and one above it for what follows the pointer. */
class Panel {
  constructor(template, layer) {
    this.element = template.cloneNode(true);
    this.find = (selector) => this.element.querySelector(selector);
    this.points = this.find(".points");
    this.over = this.find(".over");
    this.hint = this.find(".hint");
    this.name(layer);
  }

  /** Says which layer this is. Names come from files that anybody may have made: textContent only. */
  name(layer, title = layer.title, caption = layer.caption) {
    this.layer = layer;
    // Cut in the middle: what tells layers apart mostly stands at the end.
    const cut = Math.max(0, title.length - 14);
    this.find(".start").textContent = title.slice(0, cut);
    this.find(".end").textContent = title.slice(cut);
    this.find(".title").title = title === layer.title ? layer.name || title : title;
    this.find(".caption").textContent = this.find(".caption").title = caption;
  }

  /** Takes the size that the page's layout gives; false where nothing changed. */
  resize(ratio) {
    const { clientWidth: width, clientHeight: height } = this.find(".area");
    if (width === this.width && height === this.height && ratio === this.ratio) return false;
    Object.assign(this, { width, height, ratio });
    for (const canvas of [this.points, this.over]) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    return true;
  }

  drawPoints(maps, places, opacity) {
    this.drawn = { x: maps.frame.x, y: maps.frame.y, scale: maps.frame.scale };
    this.points.style.transform = "";
    const context = this.points.getContext("2d");
    const { width, height } = this.points;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, width, height);
    const sprites = maps.sprites.at(maps.size, this.ratio);
    const { frame, data, selection: { faded } } = maps;
    const { kept } = this.layer;
    const [scale, ratio] = [frame.scale * this.ratio, this.ratio];
    const [left, top] = [frame.left(0) * ratio, frame.top(0) * ratio];
    const round = maps.moving ? (value) => value : Math.round; // whole pixels are crisp, but they jump
    const room = 40 * ratio;
    for (const pass of maps.selection.hasFaded ? [1, 0] : [0]) {
      const alpha = pass ? Math.min(data.faded, opacity) : opacity;
      context.globalAlpha = alpha;
      for (let i = 0, at = 0; i < data.n; i++, at += 2) {
        if (faded[i] !== pass) continue;
        const [x, y] = [left + places[at] * scale, top - places[at + 1] * scale];
        if (!(x > -room && x < width + room && y > -room && y < height + room)) continue; // also NaN
        if (maps.toolbar.trusting && kept) context.globalAlpha = alpha * (kept[i] === UNKNOWN ? 0.1 : 0.1 + 0.009 * kept[i]);
        const sprite = sprites[data.look[i]];
        context.drawImage(sprite, round(x - sprite.width / 2), round(y - sprite.height / 2));
      }
    }
  }

  /** Moves what is drawn to where it would be drawn now; it is as sharp as before. */
  carry(frame) {
    const share = frame.scale / this.drawn.scale;
    const left = (this.width / 2) * (1 - share) + (this.drawn.x - frame.x) * frame.scale;
    const top = (this.height / 2) * (1 - share) - (this.drawn.y - frame.y) * frame.scale;
    this.points.style.transform = `translate(${left}px, ${top}px) scale(${share})`;
  }

  /** A context for what lies above the points, empty and in the page's pixels. */
  above() {
    const context = this.over.getContext("2d");
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    context.clearRect(0, 0, this.width, this.height);
    context.lineJoin = context.lineCap = "round";
    return context;
  }

  /** The instances pointed at or selected, each with its ring and the lines to its true neighbours in this layer. */
  drawOver(maps, places) {
    const context = this.above();
    const seen = (i) => places[2 * i] === places[2 * i];
    const marked = maps.marked.filter(({ i }) => seen(i));
    for (const mark of marked) {
      const near = mark.lines ? maps.data.neighboursOf(this.layer, mark.i).filter(seen) : [];
      this.drawLines(context, maps, places, mark, near);
    }
    const ringed = maps.selected.length <= MOST_RINGS;
    for (const mark of marked) if (mark.pointed || ringed) this.drawRing(context, maps, places, mark);
    this.names = maps.names.draw(this, context, places);
    if (maps.lasso?.panel === this) this.drawLasso(context, maps);
    return marked.length;
  }

  drawLines(context, maps, places, { i, pointed }, near) {
    const { frame, colours } = maps;
    const [x, y] = [frame.left(places[2 * i]), frame.top(places[2 * i + 1])];
    const ends = near.map((j) => [frame.left(places[2 * j]), frame.top(places[2 * j + 1])]);
    context.globalAlpha = pointed ? 0.8 : 0.5;
    context.strokeStyle = pointed ? colours.accent : colours.muted;
    context.lineWidth = pointed ? 1.4 : 1;
    context.beginPath();
    for (const end of ends) {
      context.moveTo(x, y);
      context.lineTo(...end);
    }
    context.stroke();
    context.globalAlpha = 1;
    near.forEach((j, order) => this.stamp(context, maps, j, ...ends[order], pointed ? 1 : 0.9));
  }

  drawRing(context, maps, places, { i, pointed }) {
    const { frame, colours } = maps;
    const [x, y] = [frame.left(places[2 * i]), frame.top(places[2 * i + 1])];
    this.stamp(context, maps, i, x, y, 1.25);
    context.beginPath();
    context.arc(x, y, maps.size / 2 + RING, 0, 2 * Math.PI);
    context.strokeStyle = colours.background;
    context.lineWidth = 4.5;
    context.stroke();
    context.strokeStyle = pointed ? colours.accent : colours.ink;
    context.lineWidth = 2;
    context.stroke();
  }

  /** A point once more, at its full strength. */
  stamp(context, maps, i, x, y, enlarged) {
    const size = Math.round(maps.size * enlarged * 10) / 10;
    const sprite = maps.sprites.at(size, this.ratio)[maps.data.look[i]];
    const [width, height] = [sprite.width / this.ratio, sprite.height / this.ratio];
    context.drawImage(sprite, x - width / 2, y - height / 2, width, height);
  }

  drawLasso(context, maps) {
    context.beginPath();
    for (const [x, y] of maps.lasso.path) context.lineTo(x, y);
    context.closePath();
    context.globalAlpha = 0.1;
    context.fillStyle = maps.colours.accent;
    context.fill();
    context.globalAlpha = 1;
    context.strokeStyle = maps.colours.accent;
    context.lineWidth = 1.5;
    context.setLineDash([5, 4]);
    context.stroke();
    context.setLineDash([]);
  }
}
