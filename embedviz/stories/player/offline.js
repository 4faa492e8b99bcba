const story = JSON.parse(document.getElementById("story").textContent);
const darkness = matchMedia("(prefers-color-scheme: dark)");
const player = new Player(document.querySelector(".player"), {}, null);
const show = () => player.update({ story, digest: "one", live: [], theme: darkness.matches ? "dark" : "light" });
darkness.addEventListener("change", show);
show();
player.root.focus({ preventScroll: true });
