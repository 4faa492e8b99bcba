const MOST_NAMED = 15; // with more instances than this, words would hide the map
const SMALLEST_NAMED = 260; // pixels of a panel; a narrower one names only what is chosen
const LONGEST = 28; // characters beside a point

/** Words beside points, in the colours of the theme: none covers another, and all stay within the panel. */
class Names {
  constructor(maps) {
    this.maps = maps;
    this.sides = new Map(); // at which of its spots each word stands
  }

  /** The one instance that is chosen; it is named on any map. */
  get chosen() {
    const { focus, selected } = this.maps;
    return focus ?? (selected.length === 1 ? selected[0] : null);
  }

  /** Names the points of a panel; what is drawn, for tests. */
  draw(panel, context, places) {
    const { maps, chosen } = this;
    const { data, frame, colours, size } = maps;
    const all = data.n <= MOST_NAMED && panel.width >= SMALLEST_NAMED;
    const others = all ? Array.from({ length: data.n }, (_, i) => i).filter((i) => !maps.selection.faded[i]) : [];
    const at = (i) => ({ i, x: frame.left(places[2 * i]), y: frame.top(places[2 * i + 1]) });
    const named = [...new Set([chosen, ...others])].filter((i) => i !== null && places[2 * i] === places[2 * i]);
    // The places of thousands of points would hardly leave a better spot for one word.
    const marks = data.n <= MOST_NAMED ? Array.from({ length: data.n }, (_, i) => at(i)) : [];
    return this.write(context, named.map((i) => ({ ...at(i), colour: colours.ink, weight: i === chosen ? 600 : 400 })), marks, size / 2 + RING + 6);
  }

  /** Writes beside each end where there is a spot for it; what is chosen in any case. */
  write(context, ends, marks, away = 11) {
    const { font, fontSize, colours, frame } = this.maps;
    const written = [];
    context.textBaseline = "middle";
    for (const end of ends) {
      // What lies outside the frame has no name at its edge.
      if (end.x < 0 || end.x > frame.width || end.y < 0 || end.y > frame.height) continue;
      context.font = `${end.weight ?? 600} ${fontSize}px ${font}`;
      const text = this.cut(context, end.i);
      const width = context.measureText(text).width;
      const spot = this.spot(end, width, away, marks, written);
      if (!spot) continue;
      written.push({ i: end.i, text, left: spot[0], top: spot[1], width });
      context.lineWidth = 4;
      context.strokeStyle = colours.background;
      context.strokeText(text, ...spot);
      context.fillStyle = end.colour;
      context.fillText(text, ...spot);
    }
    return written;
  }

  /** Where a word covers no other and the fewest marks, the first of such; null where there is no such spot. */
  spot(end, width, away, marks, written) {
    const line = this.maps.fontSize + 4;
    const spots = spotsAround(end, width, away);
    const before = spots[this.sides.get(end.i)];
    const free = spots.filter((spot) => this.isInside(spot, width, line) && !written.some((other) => overlap(spot, width, other, line)));
    const covered = ([left, top]) =>
      marks.filter(({ x, y }) => x > left - 8 && x < left + width + 8 && Math.abs(y - top) < line - 2).length;
    // What moves keeps its word on one side as long as there is room: words that jump cannot be read.
    const best = this.maps.moving && free.includes(before) ? before : free.sort((one, other) => covered(one) - covered(other))[0];
    this.sides.set(end.i, spots.indexOf(best));
    return best ?? (end.i === this.chosen ? this.pushed(spots[2], width, line) : null);
  }

  /** The beginning of an instance's text, shorter still where the panel is narrower. */
  cut(context, i) {
    const { data, frame } = this.maps;
    const letters = [...(data.text(i) || data.ids[i])];
    let text = letters.length > LONGEST ? `${letters.slice(0, LONGEST - 1).join("").trimEnd()}…` : letters.join("");
    for (let most = Math.min(letters.length, LONGEST) - 1; most > 3 && context.measureText(text).width > frame.width - 8; most--) {
      text = `${letters.slice(0, most).join("").trimEnd()}…`;
    }
    return text;
  }

  isInside([left, top], width, line) {
    const { frame } = this.maps;
    return left >= 4 && left + width <= frame.width - 4 && top >= line / 2 + 2 && top <= frame.height - line / 2 - 2;
  }

  /** A spot moved into the panel. */
  pushed([left, top], width, line) {
    const { frame } = this.maps;
    return [
      Math.max(4, Math.min(frame.width - 4 - width, left)),
      Math.max(line / 2 + 2, Math.min(frame.height - line / 2 - 2, top)),
    ];
  }
}

/** Where words may stand, the best first: right, left, and above and below. */
function spotsAround({ x, y }, width, away) {
  const middle = x - width / 2;
  return [
    [x + away, y], [x - away - width, y],
    [x + away - 3, y - away - 3], [x + away - 3, y + away + 3],
    [x - away + 3 - width, y - away - 3], [x - away + 3 - width, y + away + 3],
    [middle, y - away - 6], [middle, y + away + 6],
  ];
}

function overlap([left, top], width, other, line) {
  return left < other.left + other.width + 6 && left + width + 6 > other.left && Math.abs(top - other.top) < line;
}
