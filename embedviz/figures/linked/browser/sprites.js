// Corners of each marker at radius 1, y downwards; those of plotly, so that both pictures look alike.
const POLYGONS = {
  square: [-1, -1, 1, -1, 1, 1, -1, 1],
  diamond: [1.3, 0, 0, 1.3, -1.3, 0, 0, -1.3],
  cross: [1.2, 0.4, 0.4, 0.4, 0.4, 1.2, -0.4, 1.2, -0.4, 0.4, -1.2, 0.4, -1.2, -0.4, -0.4, -0.4, -0.4, -1.2, 0.4, -1.2, 0.4, -0.4, 1.2, -0.4],
  "triangle-up": [-1.155, 0.5, 1.155, 0.5, 0, -1],
  "triangle-down": [-1.155, -0.5, 1.155, -0.5, 0, 1],
  "triangle-left": [0.5, -1.155, 0.5, 1.155, -1, 0],
  "triangle-right": [-0.5, -1.155, -0.5, 1.155, 1, 0],
  hexagon: [0.866, -0.5, 0.866, 0.5, 0, 1, -0.866, 0.5, -0.866, -0.5, 0, -1],
  pentagon: [0.951, -0.309, 0.588, 0.809, -0.588, 0.809, -0.951, -0.309, 0, -1],
  hourglass: [1, 1, -1, 1, 1, -1, -1, -1],
  bowtie: [1, 1, 1, -1, -1, 1, -1, -1],
  star: spikes(5, 1.4, 0.535),
  "star-diamond": spikes(4, 1.4, 0.5),
  "star-square": spikes(4, 1.4, 0.5, Math.PI / 4),
  x: turned([1.2, 0.4, 0.4, 0.4, 0.4, 1.2, -0.4, 1.2, -0.4, 0.4, -1.2, 0.4, -1.2, -0.4, -0.4, -0.4, -0.4, -1.2, 0.4, -1.2, 0.4, -0.4, 1.2, -0.4]),
};
const OUTLINE = 0.9; // pixels of background around a marker, which keep overlapping ones apart
const SMALL = 4; // a marker smaller than this has no room for an outline

function spikes(count, outer, inner, turn = 0) {
  return Array.from({ length: 2 * count }, (_, step) => {
    const angle = turn - Math.PI / 2 + (step * Math.PI) / count;
    const radius = step % 2 ? inner : outer;
    return [radius * Math.cos(angle), radius * Math.sin(angle)];
  }).flat();
}

function turned(corners) {
  return corners.map((_, at) => (corners[at - (at % 2)] + (at % 2 ? 1 : -1) * corners[at - (at % 2) + 1]) * Math.SQRT1_2);
}

function trace(context, shape, x, y, radius) {
  context.beginPath();
  const corners = POLYGONS[shape];
  if (!corners) return context.arc(x, y, radius, 0, 2 * Math.PI);
  for (let at = 0; at < corners.length; at += 2) context.lineTo(x + radius * corners[at], y + radius * corners[at + 1]);
  context.closePath();
}

/** Each look drawn once; a point is a copy of it. Sizes are in pixels of the page, `ratio` the screen's to those. */
class Sprites {
  constructor(looks, background) {
    this.looks = looks;
    this.background = background;
    this.kept = new Map();
  }

  at(size, ratio) {
    const key = `${size}/${ratio}`;
    if (!this.kept.has(key)) {
      if (this.kept.size > 24) this.kept.clear();
      this.kept.set(key, this.looks.map((look) => this.draw(look, size, ratio)));
    }
    return this.kept.get(key);
  }

  draw([colour, shape, weight], size, ratio) {
    const radius = (size * weight * ratio) / 2;
    const side = 2 * Math.ceil(1.45 * radius + 2 * ratio) + 1;
    const canvas = Object.assign(document.createElement("canvas"), { width: side, height: side });
    const context = canvas.getContext("2d");
    trace(context, shape, side / 2, side / 2, radius);
    if (size >= SMALL) {
      context.lineJoin = "round";
      context.lineWidth = 2 * OUTLINE * ratio;
      context.strokeStyle = this.background;
      context.stroke();
    }
    context.fillStyle = colour;
    context.fill();
    return canvas;
  }
}
