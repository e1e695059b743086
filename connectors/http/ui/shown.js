// What stands on the page, as functions that put it there: another language puts all of it anew.

const shown = new Map();

/** Show something in a place, now and whenever the language changes; it takes the place of what was there. */
export function put(place, draw) {
  shown.set(place, draw);
  draw();
}

export function redraw() {
  for (const draw of shown.values()) draw();
}
