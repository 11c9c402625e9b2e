"use strict";
// Values under the pointer. The page is complete without this.
const tip = document.getElementById("tip");
for (const svg of document.querySelectorAll("svg[data-hover]")) {
  const points = JSON.parse(svg.dataset.hover), cursor = svg.querySelector(".cursor");
  const hide = () => { tip.hidden = true; cursor.style.opacity = 0; };
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const x = (event.clientX - box.left) * svg.viewBox.baseVal.width / box.width;
    let best = points[0];
    for (const point of points) if (Math.abs(point[0] - x) < Math.abs(best[0] - x)) best = point;
    if (!best) return;
    cursor.setAttribute("x1", best[0]);
    cursor.setAttribute("x2", best[0]);
    cursor.style.opacity = 1;
    tip.textContent = best[1] + "\n" + best[2];
    tip.hidden = false;
    const left = Math.min(event.clientX + 14, window.innerWidth - tip.offsetWidth - 8);
    tip.style.left = left + "px";
    tip.style.top = (event.clientY + 16) + "px";
  });
  svg.addEventListener("pointerleave", hide);
  window.addEventListener("scroll", hide, { passive: true });
}
// A class of the map alone, while the pointer is on its name.
for (const map of document.querySelectorAll(".map")) {
  for (const name of map.querySelectorAll("li[data-class]")) {
    const points = map.querySelector(`path[data-class="${name.dataset.class}"]`);
    name.addEventListener("pointerenter", () => { map.classList.add("alone"); points.classList.add("shown"); });
    name.addEventListener("pointerleave", () => { map.classList.remove("alone"); points.classList.remove("shown"); });
  }
}
// Where many sounds stand beside each other, the spectrogram of each plays it.
for (const sound of document.querySelectorAll(".strip .sound")) {
  const audio = sound.querySelector("audio");
  if (!sound.querySelector("img")) continue;
  sound.setAttribute("role", "button");
  sound.setAttribute("aria-label", `play ${audio.getAttribute("aria-label")}`);
  sound.tabIndex = 0;
  const toggle = () => {
    if (!audio.paused) return audio.pause();
    audio.currentTime = 0;
    audio.play();
  };
  sound.addEventListener("click", toggle);
  sound.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    toggle();
  });
  audio.addEventListener("play", () => sound.classList.add("playing"));
  for (const stop of ["pause", "ended"]) audio.addEventListener(stop, () => sound.classList.remove("playing"));
}
// Tables sort by a click on a heading.
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0], original = [...body.rows];
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.textContent = head.textContent;
    button.title = "sort";
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") === "descending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const key = (row) => row.cells[column].textContent;
      const number = (row) => parseFloat(key(row).replaceAll(",", ""));
      const order = (a, b) => column === 0 ? key(b).localeCompare(key(a)) : number(b) - number(a);
      body.append(...original.slice().sort((a, b) => up ? order(b, a) : order(a, b)));
    });
  });
}
