const LAYER_MS = 1500; // from one layer to the next
const STEP = 0.02; // of the way to the next layer; as fine as the slider goes

function eased(share) {
  return share * share * (3 - 2 * share);
}

/** One map that changes from layer to layer: where it is on the way, and the controls. */
class Flight {
  constructor(maps, root) {
    this.maps = maps;
    this.find = (selector) => root.querySelector(selector);
    this.slider = this.find(".flight input");
    this.slider.step = STEP;
    this.slider.oninput = () => this.stopAt(Number(this.slider.value));
    this.find(".play").onclick = () => (this.playing ? this.stop() : this.play());
    this.find(".back").onclick = () => this.step(-1);
    this.find(".forth").onclick = () => this.step(1);
    this.calm = matchMedia("(prefers-reduced-motion: reduce)");
    this.position = 0;
    this.playing = false;
  }

  get last() {
    return this.maps.data.layers.length - 1;
  }

  get nearest() {
    return this.maps.data.layers[Math.min(this.last, Math.round(this.position))];
  }

  load(position) {
    this.halt();
    this.slider.max = this.last;
    this.places = new Float32Array(2 * this.maps.data.n);
    this.find(".ticks").replaceChildren(...this.maps.data.layers.map(() => document.createElement("span")));
    this.at(Math.min(position ?? 0, this.last));
  }

  /** Goes to a place on the way: 1.5 is half way between the second layer and the third. */
  at(position) {
    this.position = Math.min(this.last, Math.max(0, position));
    const from = Math.floor(this.position);
    const [one, other] = [from, Math.min(from + 1, this.last)].map((index) => this.maps.data.layers[index].places);
    const share = eased(this.position - from);
    for (let at = 0; at < this.places.length; at++) {
      this.places[at] = share ? one[at] + share * (other[at] - one[at]) : one[at];
    }
    this.slider.value = this.position;
    this.show();
    this.maps.flew(this);
  }

  show() {
    const { nearest } = this;
    this.slider.setAttribute("aria-valuetext", nearest.title);
    this.find(".flight output").textContent = `${nearest.index + 1} of ${this.last + 1}`;
    this.find(".play").setAttribute("aria-label", this.playing ? "Pause" : "Play");
    this.find(".play").title = this.playing ? "Pause" : "Play";
    this.find(".play").dataset.playing = this.playing;
    this.find(".back").disabled = this.position <= 0;
    this.find(".forth").disabled = this.position >= this.last;
    [...this.find(".ticks").children].forEach((tick, index) => tick.toggleAttribute("data-now", index === nearest.index));
  }

  play() {
    if (this.position >= this.last) this.at(0);
    this.playing = true;
    this.show();
    this.flyTo(this.last, () => this.stop());
  }

  step(direction) {
    this.stop();
    // Half way, the next layer is the one that lies ahead.
    this.flyTo(direction > 0 ? Math.floor(this.position + 1) : Math.ceil(this.position - 1), () => this.halt(), 700);
  }

  stopAt(position) {
    this.stop();
    this.at(position);
  }

  stop() {
    this.halt();
    this.playing = false;
    this.show();
  }

  /** Moves on, frame by frame; from layer to layer at once where the person wants little motion. */
  flyTo(goal, arrived, pace = LAYER_MS) {
    this.halt();
    const direction = Math.sign(goal - this.position);
    if (this.calm.matches) {
      const jump = () => {
        this.at(direction > 0 ? Math.floor(this.position + 1) : Math.ceil(this.position - 1));
        if (this.position === goal) arrived();
        else this.timer = setTimeout(jump, LAYER_MS);
      };
      return pace === LAYER_MS ? (this.timer = setTimeout(jump, LAYER_MS / 2)) : jump();
    }
    let then = performance.now();
    const frame = (now) => {
      const next = this.position + (direction * Math.max(0, now - then)) / pace;
      then = now;
      const isThere = direction > 0 ? next >= goal : next <= goal;
      this.at(isThere ? goal : next);
      if (isThere) arrived();
      else this.frame = requestAnimationFrame(frame);
    };
    this.frame = requestAnimationFrame(frame);
  }

  halt() {
    cancelAnimationFrame(this.frame);
    clearTimeout(this.timer);
    this.frame = this.timer = null;
    this.maps.moving = false;
  }
}
