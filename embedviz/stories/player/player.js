/** A story, step by step: its slide, the keys, and full screen. */
class Player {
  /** `memory` outlives the element; `ask(step, number, text)` asks the model, null where there is none. */
  constructor(root, memory, ask) {
    Object.assign(this, { root, memory, ask });
    memory.step ??= 0;
    this.find = (selector) => root.querySelector(selector);
    this.find(".back").onclick = () => this.go(this.memory.step - 1);
    this.find(".next").onclick = () => this.go(this.memory.step + 1);
    this.find(".full").onclick = () => this.full();
    this.pressed = (event) => this.press(event);
    document.addEventListener("keydown", this.pressed, true);
    root.__player = this;
  }

  close() {
    document.removeEventListener("keydown", this.pressed, true);
    this.picture?.close();
    this.trial?.close();
  }

  /** Takes over a story, a theme ("light" or "dark") and an answer of the model's; the step stays where it is. */
  update({ story, digest, theme, live, answer }) {
    const { memory } = this;
    if (memory.title !== story.title) Object.assign(memory, { title: story.title, step: 0 });
    memory.step = Math.min(memory.step, story.steps.length - 1);
    memory.trials ??= new Map();
    const isNew = digest !== this.digest || theme !== this.theme || `${live}` !== `${this.live}`;
    Object.assign(this, { story, digest, theme, live, answer });
    this.root.setAttribute("aria-label", story.title);
    this.find(".story").textContent = story.title;
    this.find(".story").hidden = !story.title;
    if (isNew) this.show();
    this.trial.answered(answer);
  }

  go(to) {
    const step = Math.max(0, Math.min(this.story.steps.length - 1, to));
    if (step === this.memory.step) return;
    this.memory.step = step;
    this.show();
    this.trial.answered(this.answer);
    this.root.focus({ preventScroll: true });
    this.find(".heard").textContent = `${this.place}: ${this.story.steps[step].title}`;
  }

  get place() {
    return `${this.memory.step + 1} of ${this.story.steps.length}`;
  }

  /** Draws what of the slide is other than before: a picture that comes later takes no sentence from who is typing. */
  show() {
    const { story, memory: { step: at } } = this;
    const step = story.steps[at];
    const said = JSON.stringify([at, step.title, step.sentences, step.from, step.trials, this.live[at]]);
    const drawn = JSON.stringify([at, step.picture, this.theme]);
    const [words, picture] = [said !== this.said, drawn !== this.drawn];
    Object.assign(this, { said, drawn });
    // The guess comes first: the picture takes the room that it leaves.
    if (words) this.say(step, at);
    this.find(".place").textContent = this.place;
    this.find(".slide").setAttribute("aria-label", this.place);
    this.find(".back").disabled = at === 0;
    this.find(".next").disabled = at === story.steps.length - 1;
    if (!picture) return;
    this.picture?.close();
    this.picture = showPicture(this.find(".picture"), step.picture, this.theme);
  }

  say(step, at) {
    const { story, memory: { trials } } = this;
    const used = new Set();
    this.find(".title").textContent = step.title;
    this.find(".said").replaceChildren(
      ...step.sentences.map((sentence) => element("p", {}, explained(sentence, story.glossary, used))),
    );
    this.find(".from").textContent = step.from;
    // What was typed and guessed belongs to the step, wherever it stands in the story.
    const key = JSON.stringify([step.title, step.trials]);
    if (!trials.has(key)) trials.set(key, {});
    const ask = this.ask && this.live[at] ? (number, text) => this.ask(at, number, text) : null;
    this.trial?.close();
    this.trial = new TrialView(this.find(".trial"), step, trials.get(key), story.glossary, ask);
  }

  async full() {
    try {
      if (document.fullscreenElement) await document.exitFullscreen();
      else await this.root.requestFullscreen();
    } catch {
      this.find(".heard").textContent = "Full screen is not available here.";
    }
    this.root.focus({ preventScroll: true });
  }

  press(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const [target] = event.composedPath();
    const isHere = event.composedPath().includes(this.root);
    if (!isHere && target !== document.body && target !== document.documentElement) return;
    const act = this.act(event.key, target, event.shiftKey);
    if (isHere && isWriting(target)) event.stopPropagation(); // Streamlit has shortcuts of its own
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  }

  /** What a key does where it is pressed: nothing where it is written with, or has a meaning of its own. */
  act(key, target, isShifted) {
    const { memory: { step }, story } = this;
    if (isWriting(target)) return key === "Escape" ? () => this.root.focus() : null;
    if (target.matches("button") && (key === " " || key === "Enter")) return null;
    if (target.matches(".bars") && /^(ArrowUp|ArrowDown|PageUp|PageDown)$/.test(key)) return null;
    if (target.matches("input") && /^(Arrow|Home|End)/.test(key)) return null;
    if (LETTERS.includes(key)) return () => this.trial.choose(LETTERS.indexOf(key));
    return {
      ArrowRight: () => this.go(step + 1),
      ArrowDown: () => this.go(step + 1),
      PageDown: () => this.go(step + 1),
      " ": () => this.go(step + (isShifted ? -1 : 1)),
      ArrowLeft: () => this.go(step - 1),
      ArrowUp: () => this.go(step - 1),
      PageUp: () => this.go(step - 1),
      Home: () => this.go(0),
      End: () => this.go(story.steps.length - 1),
      f: () => this.full(),
      t: () => this.trial.focus(),
      Escape: () => this.root.focus(),
    }[key];
  }
}

function isWriting(target) {
  return target.matches("input:not([type=range]), textarea, select, [contenteditable]");
}
