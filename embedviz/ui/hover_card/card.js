// Streamlit draws the map anew whenever it changes, so the present one is looked for again and again.
const LOOK_MS = 400;
const AWAY = 18; // pixels from the pointer, so that the card never lies under it

export default function (component) {
  const { data, parentElement } = component;
  const card = parentElement.querySelector("img");
  let map;
  const show = (event) => {
    const id = event.points?.[0]?.customdata?.[0];
    const picture = data.pictures[id];
    const { clientX, clientY } = event.event ?? {};
    if (!picture || clientX === undefined) return;
    card.src = picture;
    card.alt = String(id);
    card.hidden = false;
    const { width, height } = card.getBoundingClientRect();
    card.style.left = `${clientX + AWAY + width > innerWidth ? clientX - AWAY - width : clientX + AWAY}px`;
    card.style.top = `${Math.max(0, clientY - AWAY - height)}px`;
  };
  const hide = () => { card.hidden = true; };
  const look = () => {
    const now = document.querySelector(`.st-key-${data.inside} .js-plotly-plot`);
    if (!now?.on || now === map) return;
    leave();
    map = now;
    map.on("plotly_hover", show);
    map.on("plotly_unhover", hide);
  };
  const leave = () => {
    hide();
    map?.removeListener?.("plotly_hover", show);
    map?.removeListener?.("plotly_unhover", hide);
  };
  look();
  const looking = setInterval(look, LOOK_MS);
  return () => {
    clearInterval(looking);
    leave();
  };
}
