const LONGEST_WAIT = 40_000; // milliseconds until it is said that no answer came
const LETTERS = ["1", "2", "3", "4", "5", "6"];

/** "Try it yourself" below a picture: a sentence typed or one of the set, a guess, and what is true. */
class TrialView {
  /** `memory` holds what was typed and guessed at this step; `ask(text)` asks the model, null where it is not there. */
  constructor(host, step, memory, glossary, ask) {
    Object.assign(this, { host, step, memory, glossary, ask });
    memory.next ??= 0;
    this.draw();
  }

  close() {
    clearTimeout(this.patience);
  }

  get canAsk() {
    return Boolean(this.ask);
  }

  draw() {
    const { host, step } = this;
    const parts = [];
    if (!this.memory.guess) parts.push(this.entry());
    this.status = element("p", { className: "status", textContent: this.memory.error ?? "" });
    this.status.setAttribute("role", "status");
    parts.push(this.status);
    if (this.memory.guess) parts.push(...this.guess(this.memory.guess));
    const isTyping = this.input && this.input === host.getRootNode().activeElement;
    host.replaceChildren(...parts);
    if (isTyping && this.input.isConnected) this.input.focus();
    host.hidden = !this.canAsk && !step.trials.length;
    if (this.memory.waiting) this.wait();
  }

  entry() {
    const form = element("form", { className: "entry" });
    form.append(element("span", { className: "lead", textContent: "Try it" }));
    if (this.canAsk) {
      this.input = element("input", { type: "text", maxLength: 300, value: this.memory.typed ?? "", autocomplete: "off" });
      this.input.placeholder = "Type a sentence, then guess its neighbour";
      this.input.setAttribute("aria-label", "Type a sentence of your own");
      this.input.oninput = () => { this.memory.typed = this.input.value; };
      form.append(this.input, element("button", { type: "submit", className: "main", textContent: "Ask the model" }));
    }
    form.onsubmit = (event) => {
      event.preventDefault();
      this.submit();
    };
    if (this.step.trials.length) {
      const words = this.canAsk ? "Or guess one of the set" : "Guess a nearest neighbour";
      form.append(element("button", { type: "button", className: "prepared", textContent: words, onclick: () => this.take() }));
    }
    return form;
  }

  submit() {
    const text = this.input.value.trim();
    if (!text) return this.fail("Type a sentence first.");
    Object.assign(this.memory, { error: "", waiting: { number: Date.now(), text } });
    this.wait();
    this.ask(this.memory.waiting.number, text);
  }

  wait() {
    this.status.textContent = "The model is reading it …";
    clearTimeout(this.patience);
    this.patience = setTimeout(() => this.fail("No answer came. Try again."), LONGEST_WAIT);
  }

  fail(message) {
    clearTimeout(this.patience);
    Object.assign(this.memory, { waiting: null, error: message });
    this.status.textContent = message;
  }

  /** What the app says to the question that is waited for; answers to others are late. */
  answered(answer) {
    if (!answer || answer.number !== this.memory.waiting?.number) return;
    if (answer.error) return this.fail(answer.error);
    clearTimeout(this.patience);
    Object.assign(this.memory, { waiting: null, error: "", guess: { trial: answer.trial, chosen: null } });
    this.draw();
    this.host.querySelector(".options button")?.focus();
  }

  /** The next guess that was prepared. */
  take() {
    const { trials } = this.step;
    this.memory.guess = { trial: trials[this.memory.next % trials.length], chosen: null };
    this.memory.next += 1;
    this.memory.error = "";
    this.draw();
    this.host.querySelector(".options button")?.focus();
  }

  leave() {
    this.memory.guess = null;
    this.draw();
    (this.input ?? this.host.querySelector("button"))?.focus();
  }

  guess({ trial, chosen }) {
    const question = element("p", { className: "question" });
    question.append("Which of these is nearest to ", instanceElement({ ...trial.asked, text: trial.asked.picture ? trial.asked.text : `“${trial.asked.text}”` }), "?");
    const options = trial.options.map((option, at) => this.option(trial, chosen, option, at));
    const shown = [question, element("div", { className: "options" }, ...options)];
    const answer = element("p", { className: "answer" });
    answer.setAttribute("role", "status");
    if (chosen !== null) answer.append(explained(this.verdict(trial, chosen), this.glossary, new Set()));
    const buttons = [];
    if (chosen !== null && this.step.trials.length) {
      buttons.push(element("button", { type: "button", className: "prepared", textContent: "Guess another", onclick: () => this.take() }));
    }
    buttons.push(element("button", { type: "button", className: "leave", textContent: this.canAsk ? "Type a sentence" : "Done", onclick: () => this.leave() }));
    shown.push(element("div", { className: "after" }, answer, ...buttons));
    return shown;
  }

  option(trial, chosen, option, at) {
    const button = element("button", { type: "button", onclick: () => this.choose(at) });
    button.append(element("span", { className: "key", textContent: LETTERS[at] }), instanceElement(option));
    if (chosen === null) return button;
    button.disabled = true;
    if (at === trial.nearest) button.dataset.mark = "right";
    else if (at === chosen) button.dataset.mark = "wrong";
    const told = `${cosineText(trial.cosines[at])}${at === trial.nearest ? " nearest" : ""}${at === chosen ? ", your guess" : ""}`;
    button.append(element("span", { className: "told", textContent: told }));
    return button;
  }

  verdict({ cosines, nearest, options, at: layer }, chosen) {
    const by = layer ? ` (at ${layer})` : "";
    const [best, own] = [cosines[nearest], cosines[chosen]].map(cosineText);
    if (cosines[chosen] === cosines[nearest]) return `Yes: its cosine, ${best}, is the largest of all${by}.`;
    return `No: the nearest neighbour is “${options[nearest].text}”, with a cosine of ${best}; your guess has ${own}${by}.`;
  }

  choose(at) {
    const { guess } = this.memory;
    if (!guess || guess.chosen !== null || at >= guess.trial.options.length) return false;
    guess.chosen = at;
    this.draw();
    this.host.querySelector(".after > button")?.focus();
    return true;
  }

  focus() {
    const first = this.host.querySelector("input") ?? this.host.querySelector("button:not(:disabled)");
    first?.focus();
  }
}
