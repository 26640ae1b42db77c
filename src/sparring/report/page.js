// What moves on the page: frames under a slider, values under the pointer, images of a cell; maps are
// in map.js. Asks nothing of any network; without it the page shows its figures and tables.
"use strict";

const CELL = 24;
const sprite = document.getElementById("sprite");
document.documentElement.classList.add("js");
document.querySelectorAll(".frames").forEach(slide);
document.querySelectorAll(".plot").forEach(curves);
document.querySelectorAll(".cells:has(> script)").forEach(cells);
document.querySelectorAll(".map").forEach(map);
for (const box of document.querySelectorAll(".scroll, figure[id]")) {
  if (box.scrollWidth > box.clientWidth) box.tabIndex = 0; // not every browser scrolls it by keys
}

/** An element with words or others in it. */
function made(tag, ...inside) {
  const element = document.createElement(tag);
  element.append(...inside);
  return element;
}

function dataOf(box) {
  return JSON.parse(box.querySelector("script").textContent);
}

/** Draw one image of the sprite, which has `columns` in a row, all over a canvas. */
function cut(canvas, image, columns) {
  const pen = canvas.getContext("2d");
  const from = [CELL * (image % columns), CELL * Math.floor(image / columns)];
  pen.imageSmoothingEnabled = false;
  pen.drawImage(sprite, ...from, CELL, CELL, 0, 0, canvas.width, canvas.height);
}

/** What an arrow key, Home or End makes of place i of count; undefined for other keys. */
function moved(key, i, count, back = "ArrowLeft", ahead = "ArrowRight") {
  const to = { [back]: i - 1, [ahead]: i + 1, Home: 0, End: count - 1 }[key];
  return to === undefined ? to : Math.min(count - 1, Math.max(0, to));
}

/** A slider that shows one frame of an image in which they lie below each other. */
function slide(box) {
  const image = box.querySelector("img"), range = box.querySelector("input");
  const told = box.querySelector("output"), words = JSON.parse(box.dataset.words);
  const show = () => {
    image.style.objectPosition = `0 ${(100 * range.value) / range.max}%`;
    told.value = words[range.value];
    range.setAttribute("aria-valuetext", told.value);
  };
  image.style.aspectRatio = box.dataset.ratio;
  range.addEventListener("input", show);
  show();
}


/** Curves: below them, what was logged at the step that is pointed at. */
function curves(plot) {
  const data = dataOf(plot), over = plot.querySelector(".over"), line = over.firstChild;
  const told = plot.querySelector(".told"), hint = told.textContent, count = data.step.length;
  let chosen = -1;
  over.style.setProperty("--top", data.top);
  over.style.setProperty("--bottom", data.bottom);

  function choose(i) {
    chosen = i;
    line.hidden = i < 0;
    told.replaceChildren(...(i < 0 ? [hint] : rows(i)));
    if (i < 0) return;
    over.style.setProperty("--x", data.x[i]);
    over.setAttribute("aria-valuenow", data.step[i]);
    over.setAttribute("aria-valuetext", [...told.children].map((row) => row.textContent).join(", "));
  }

  /** Step i, what happened there, and each line's value. */
  function rows(i) {
    const step = `step ${data.step[i].toLocaleString("en")}`, event = data.events[i];
    const values = data.lines.map(({ name, colour, values }) => {
      const mark = made("i");
      mark.style.background = colour;
      return made("span", mark, `${name} `, made("b", values[i] ?? "—"));
    });
    return [made("b", event ? `${step}: ${event}` : step), ...values];
  }

  function point(event) {
    const box = over.getBoundingClientRect(), x = (event.clientX - box.left) / box.width;
    const apart = data.x.map((at) => Math.abs(at - x));
    choose(apart.indexOf(Math.min(...apart)));
  }
  over.addEventListener("pointermove", point);
  over.addEventListener("pointerdown", point);
  over.addEventListener("pointerleave", (event) => {
    if (event.pointerType === "mouse") choose(-1);
  });
  over.addEventListener("focus", () => {
    if (over.matches(":focus-visible") && chosen < 0) choose(count - 1);
  });
  over.addEventListener("blur", () => choose(-1));
  over.addEventListener("keydown", (event) => {
    if (event.key === "Escape") choose(-1);
    const to = moved(event.key, chosen < 0 ? count - 1 : chosen, count);
    if (to === undefined) return;
    event.preventDefault();
    choose(to);
  });
}

/** Confusion matrices side by side: images of the cell that is pointed at, in each of them. */
function cells(box) {
  const data = dataOf(box), strips = box.querySelectorAll(".thumbs");
  const tables = [...box.querySelectorAll("table")];
  const grids = tables.map((table) => [...table.tBodies[0].rows].map((row) => [...row.cells].slice(1)));
  const count = data.classes.length;

  /** Show what is in a cell of every table. */
  function choose(row, column) {
    grids.forEach((grid, place) => {
      box.querySelector(`.chosen.of${place}`)?.classList.remove("chosen", `of${place}`);
      const cell = grid[row][column], total = Number(cell.textContent);
      cell.classList.add("chosen", `of${place}`);
      const known = data.cells[place][`${row},${column}`] ?? [];
      const some = known.length && known.length < total ? `, the surest ${known.length}` : "";
      const words = `${data.classes[row]} read as ${data.classes[column]}: ${total}${some}`;
      strips[place].replaceChildren(made("b", words), ...known.map(([image, sure]) => {
        const face = made("canvas");
        face.width = face.height = 2 * CELL;
        cut(face, image, data.columns);
        return made("figure", face, made("figcaption", `${Math.round(100 * sure)} %`));
      }));
    });
  }

  grids.forEach((grid, place) => {
    tables[place].setAttribute("role", "grid");
    let stop = grid[0][0]; // the one cell that the Tab key reaches; arrows go on from there
    grid.forEach((cells, row) => cells.forEach((cell, column) => {
      cell.tabIndex = cell === stop ? 0 : -1;
      cell.addEventListener("focus", () => choose(row, column));
      cell.addEventListener("pointerenter", () => {
        if (!box.contains(document.activeElement)) choose(row, column); // a click holds its cell
      });
      cell.addEventListener("keydown", (event) => {
        if (event.key === "Escape") cell.blur();
        const down = moved(event.key, row, count, "ArrowUp", "ArrowDown");
        const right = moved(event.key, column, count);
        if (down === undefined && right === undefined) return;
        event.preventDefault();
        stop.tabIndex = -1;
        stop = event.key.startsWith("Arrow") ? grid[down ?? row][right ?? column] : grid[row][right];
        stop.tabIndex = 0;
        stop.focus();
      });
    }));
  });
}
