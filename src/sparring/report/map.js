// The map under the pointer. Its data are made by live.py; page.js, after it, starts all.
"use strict";

const UNKNOWN = 65535, NEAR = 14, EDGE = 12;

/** The columns of one side: 16 bits a number. */
function unpacked(side) {
  const read = (text) =>
    new Uint16Array(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
  return Object.fromEntries(Object.entries(side).map(([name, text]) => [name, read(text)]));
}

/** Maps side by side: the image that is chosen on one is marked on the others. */
function map(box) {
  const data = dataOf(box);
  const card = box.querySelector(".card"), face = card.querySelector("canvas");
  const words = card.querySelector("output"), key = box.querySelector(".key");
  const sides = [...box.querySelectorAll("canvas[tabindex]")].map((canvas, place) => {
    const points = unpacked(data.sides[place]);
    return { canvas, points, title: canvas.dataset.title, size: 1 };
  });
  const kinds = colourings(data, sides.some((side) => side.points.label.includes(UNKNOWN)));
  let kind = kinds[box.querySelector("input:checked").value], chosen = null;

  /** Where the chosen image is on a side; -1 for nowhere. */
  const place = (side) => {
    if (!chosen || chosen.side === side) return chosen ? chosen.i : -1;
    return side.points.image.indexOf(chosen.side.points.image[chosen.i]);
  };
  const spot = (side, i) => {
    const scale = (side.size - 2 * EDGE) / 65535;
    return [EDGE + side.points.x[i] * scale, EDGE + side.points.y[i] * scale];
  };

  function draw(side) {
    const { canvas, points } = side, ratio = devicePixelRatio || 1;
    side.size = canvas.clientWidth;
    if (!side.size) return;
    canvas.width = canvas.height = Math.round(side.size * ratio);
    const pen = canvas.getContext("2d"), count = points.x.length;
    pen.scale(ratio, ratio);
    const radius = Math.min(4, Math.max(1.8, 0.12 * side.size / Math.sqrt(count)));
    pen.globalAlpha = 0.8;
    for (let i = 0; i < count; i++) {
      const [colour, form] = kind.of(points, i);
      pen.fillStyle = colour;
      shape(pen, ...spot(side, i), radius, form);
      pen.fill();
    }
    pen.globalAlpha = 1;
    const marked = place(side);
    if (marked < 0) return;
    for (const [colour, width] of [["#ffffff", 5], ["#000000", 2.5]]) {
      pen.strokeStyle = colour;
      pen.lineWidth = width;
      shape(pen, ...spot(side, marked), radius + 5, 0);
      pen.stroke();
    }
  }

  /** Show point i of a side, or nothing. */
  function choose(side, i) {
    if (chosen ? chosen.side === side && chosen.i === i : i < 0) return;
    chosen = i < 0 ? null : { side, i };
    card.hidden = !chosen;
    if (chosen) {
      tell(side, i);
      beside(side, spot(side, i));
    }
    sides.forEach(draw);
  }

  function tell(side, i) {
    cut(face, side.points.image[i], data.columns);
    const { label, domain } = side.points;
    const lines = [label[i] === UNKNOWN ? "Label: not known" : `Label: ${data.classes[label[i]]}`];
    for (const one of sides) {
      const at = place(one);
      if (at < 0) continue;
      const { predicted, confidence } = one.points;
      const sure = Math.round((100 * confidence[at]) / 65535);
      lines.push(`${one.title}: ${data.classes[predicted[at]]}, ${sure} % sure`);
    }
    words.replaceChildren(...[...lines, data.domains[domain[i]]].map((line) => made("span", line)));
  }

  /** Put the card beside a spot of a side, inside the box. */
  function beside(side, [x, y]) {
    const all = card.parentElement.getBoundingClientRect();
    const own = side.canvas.getBoundingClientRect();
    const [left, top] = [own.left - all.left + x, own.top - all.top + y];
    const [wide, high] = [card.offsetWidth, card.offsetHeight];
    const fits = [left + 20, left - 20 - wide].find((at) => at >= 0 && at + wide <= all.width);
    const under = top + 20 + high <= all.height ? top + 20 : top - 20 - high;
    const at = fits ?? Math.max(0, Math.min(left - wide / 2, all.width - wide));
    card.style.left = `${at}px`;
    card.style.top = `${Math.max(0, fits === undefined ? under : top - high / 2)}px`;
  }

  /** The point with the smallest cost, -1 for none below Infinity. cost: of x and y in pixels. */
  function best(side, cost) {
    let found = -1, least = Infinity;
    for (let i = 0; i < side.points.x.length; i++) {
      const value = cost(...spot(side, i), i);
      if (value < least) [found, least] = [i, value];
    }
    return found;
  }

  function point(side, event) {
    const own = side.canvas.getBoundingClientRect();
    const [px, py] = [event.clientX - own.left, event.clientY - own.top];
    const i = best(side, (x, y) => {
      const apart = Math.hypot(x - px, y - py);
      return apart > NEAR ? Infinity : apart;
    });
    choose(side, i);
  }

  /** The nearest point towards (dx, dy), within 45 degrees of it. */
  function walk(side, dx, dy) {
    const from = place(side);
    const [cx, cy] = spot(side, from);
    const next = best(side, (x, y, i) => {
      const along = (x - cx) * dx + (y - cy) * dy, across = (x - cx) * dy - (y - cy) * dx;
      const ahead = i !== from && along > 0 && Math.abs(across) <= along;
      return ahead ? Math.hypot(along, across) : Infinity;
    });
    if (next >= 0) choose(side, next);
  }

  const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const middle = (side) => best(side, (x, y) => Math.hypot(x - side.size / 2, y - side.size / 2));

  for (const side of sides) {
    const { canvas } = side;
    canvas.addEventListener("pointermove", (event) => point(side, event));
    canvas.addEventListener("pointerdown", (event) => point(side, event));
    canvas.addEventListener("pointerleave", (event) => {
      if (event.pointerType === "mouse") choose(side, -1);
    });
    canvas.addEventListener("focus", () => {
      if (canvas.matches(":focus-visible") && place(side) < 0) choose(side, middle(side));
    });
    canvas.addEventListener("blur", () => choose(side, -1));
    canvas.addEventListener("keydown", (event) => {
      if (event.key === "Escape") choose(side, -1);
      if (!(event.key in ways)) return;
      event.preventDefault();
      if (place(side) < 0) choose(side, middle(side));
      else walk(side, ...ways[event.key]);
    });
    new ResizeObserver(() => draw(side)).observe(canvas);
  }
  box.addEventListener("change", (event) => {
    kind = kinds[event.target.value];
    sides.forEach(draw);
    legend(key, kind.key);
  });
  legend(key, kind.key);
}

/** By name: `of`, the colour and form of point i, and `key`, what they mean. unknown: if any is. */
function colourings({ classes, domains, colours, sure }, unknown) {
  const many = (k) => [colours.class[k % colours.class.length],
    Math.floor(k / colours.class.length)];
  const pale = [colours.pale, 0], named = classes.map((name, k) => [...many(k), name]);
  const rest = unknown ? [[...pale, "not known"]] : [];
  const level = (share) => sure.findLast(([from]) => share >= from)[1];
  const right = (p, i) => [colours.right[p.label[i] === p.predicted[i] ? 0 : 1], 0];
  return {
    class: {
      of: (p, i) => (p.label[i] === UNKNOWN ? pale : many(p.label[i])),
      key: [...named, ...rest],
    },
    predicted: { of: (p, i) => many(p.predicted[i]), key: named },
    domain: {
      of: (p, i) => [colours.domain[p.domain[i]], 0],
      key: domains.map((name, k) => [colours.domain[k], 0, name]),
    },
    right: {
      of: (p, i) => (p.label[i] === UNKNOWN ? pale : right(p, i)),
      key: [[colours.right[0], 0, "right"], [colours.right[1], 0, "wrong"], ...rest],
    },
    confidence: {
      of: (p, i) => [level(p.confidence[i] / 65535), 0],
      key: sure.map(([from, colour]) => [colour, 0, `from ${Math.round(100 * from)} %`]),
    },
  };
}

/** A closed path around (x, y): a circle, and beyond ten classes a triangle, square, diamond. */
function shape(pen, x, y, radius, form) {
  const [sides, turn] = [[0, 0], [3, -Math.PI / 2], [4, Math.PI / 4], [4, 0]][form % 4];
  pen.beginPath();
  if (!sides) pen.arc(x, y, radius, 0, 2 * Math.PI);
  for (let k = 0; k < sides; k++) {
    const angle = turn + (2 * Math.PI * k) / sides;
    pen.lineTo(x + 1.25 * radius * Math.cos(angle), y + 1.25 * radius * Math.sin(angle));
  }
  pen.closePath();
}

/** What the colours mean. */
function legend(list, key) {
  list.replaceChildren(...key.map(([colour, form, name]) => {
    const row = made("li"), mark = made("canvas");
    mark.width = mark.height = 24;
    const pen = mark.getContext("2d");
    pen.fillStyle = colour;
    shape(pen, 12, 12, 8, form);
    pen.fill();
    row.append(mark, name);
    return row;
  }));
}
