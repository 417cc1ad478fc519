"use strict";
(() => {
  // The confusion matrix, on one canvas: 101 classes would be 10,201 elements.
  const source = document.getElementById("matrix-data");
  if (!source) return;
  const { classes, shown, cells, unit } = JSON.parse(source.textContent);
  const canvas = document.getElementById("matrix");
  const tip = document.getElementById("tip");
  const readout = document.getElementById("matrix-readout");
  const scale = document.getElementById("matrix-scale");
  const errors = document.getElementById("matrix-errors");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const n = classes.length;
  const labels = shown.map((name, i) => (name === classes[i] ? name : `${classes[i]} ${name}`));
  const counts = new Map(cells.map(([t, p, c]) => [t * n + p, c]));
  const support = new Array(n).fill(0);
  for (const [t, , c] of cells) support[t] += c;
  const most = { right: 0, wrong: 0 };
  for (const [t, p, c] of cells) {
    const kind = t === p ? "right" : "wrong";
    most[kind] = Math.max(most[kind], c);
  }
  let at = null;
  let box = { left: 0, top: 0, cell: 1 };

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const strength = (t, p, c) => {
    const share = scale.value === "share" ? c / support[t] : c / Math.max(most.right, most.wrong);
    // The square root lets a single error be seen beside a full diagonal.
    return Math.sqrt(share);
  };
  const cut = (pen, text, width) => {
    if (pen.measureText(text).width <= width) return text;
    // In the middle: names of one family often differ at their ends.
    const letters = [...text];
    for (let kept = letters.length - 1; kept > 1; kept--) {
      const short = `${letters.slice(0, Math.ceil(kept / 2)).join("")}…${letters.slice(-Math.floor(kept / 2)).join("")}`;
      if (pen.measureText(short).width <= width) return short;
    }
    return "…";
  };
  const draw = () => {
    const size = canvas.clientWidth;
    const ratio = devicePixelRatio || 1;
    canvas.width = canvas.height = Math.round(size * ratio);
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    const font = 10.5;
    pen.font = `${font}px system-ui, sans-serif`;
    const longest = Math.max(...labels.map((name) => pen.measureText(name).width));
    const margin = Math.min(longest + 12, size * (size < 420 ? 0.26 : 0.3));
    const cell = (size - margin - 1) / n;
    // Where a line of text is higher than a cell, every second (third, …) class is named.
    const step = Math.max(1, Math.ceil((font * 1.2) / cell));
    box = { left: margin, top: margin, cell };
    canvas.dataset.margin = margin;
    canvas.dataset.pitch = step * cell;
    pen.fillStyle = colour("--raised");
    pen.fillRect(margin, margin, cell * n, cell * n);
    const hues = { right: colour("--series-1"), wrong: colour("--bad") };
    for (const [t, p, c] of cells) {
      if (errors.checked && t === p) continue;
      pen.globalAlpha = 0.08 + 0.92 * strength(t, p, c);
      pen.fillStyle = t === p ? hues.right : hues.wrong;
      pen.fillRect(margin + p * cell, margin + t * cell, Math.max(cell - (n > 60 ? 0 : 1), 1), Math.max(cell - (n > 60 ? 0 : 1), 1));
    }
    pen.globalAlpha = 1;
    pen.textBaseline = "middle";
    if (cell >= 20) {
      pen.textAlign = "center";
      pen.font = `${Math.min(13, cell * 0.36)}px system-ui, sans-serif`;
      for (const [t, p, c] of cells) {
        if (errors.checked && t === p) continue;
        const text = c >= 1e6 ? `${Math.round(c / 1e5) / 10}M` : c >= 1e4 ? `${Math.round(c / 1e3)}k` : String(c);
        pen.fillStyle = strength(t, p, c) > 0.62 ? (dark.matches ? "#0e131a" : "#ffffff") : colour("--ink");
        pen.fillText(text, margin + (p + 0.5) * cell, margin + (t + 0.5) * cell, cell - 2);
      }
    }
    pen.fillStyle = colour("--muted");
    pen.font = `${font}px system-ui, sans-serif`;
    labels.forEach((name, i) => {
      if (i % step) return;
      const text = cut(pen, name, margin - 10);
      pen.textAlign = "right";
      pen.fillText(text, margin - 6, margin + (i + 0.5) * cell);
      pen.save();
      pen.translate(margin + (i + 0.5) * cell, margin - 6);
      pen.rotate(-Math.PI / 2);
      pen.textAlign = "left";
      pen.fillText(text, 0, 0);
      pen.restore();
    });
    if (at) {
      const [t, p] = at;
      pen.strokeStyle = colour("--ink");
      pen.globalAlpha = 0.25;
      pen.strokeRect(margin, margin + t * cell, cell * n, cell);
      pen.strokeRect(margin + p * cell, margin, cell, cell * n);
      pen.globalAlpha = 1;
      pen.lineWidth = 2;
      pen.strokeRect(margin + p * cell - 0.5, margin + t * cell - 0.5, cell + 1, cell + 1);
    }
  };
  const show = (t, p, x, y) => {
    at = [t, p];
    const count = counts.get(t * n + p) ?? 0;
    const share = support[t] ? ` (${((100 * count) / support[t]).toFixed(1)} % of ${support[t].toLocaleString("en")})` : "";
    const head = document.createElement("b");
    head.textContent = `${count.toLocaleString("en")} ${unit}`;
    const line = (label, name) => {
      const row = document.createElement("div");
      const text = document.createElement("bdi");
      text.textContent = name;
      row.append(`${label} `, text);
      return row;
    };
    tip.replaceChildren(head, share, line("true", labels[t]), line("predicted", labels[p]));
    tip.hidden = false;
    const width = tip.offsetWidth, height = tip.offsetHeight;
    tip.style.left = `${Math.max(4, Math.min(x + 14, innerWidth - width - 4))}px`;
    tip.style.top = `${y + 18 + height > innerHeight ? y - height - 10 : y + 18}px`;
    readout.textContent = `${count.toLocaleString("en")} ${unit} of \u2068${labels[t]}\u2069 were predicted as \u2068${labels[p]}\u2069${share}.`;
    draw();
  };
  const leave = () => { at = null; tip.hidden = true; draw(); };
  const point = (event) => {
    const frame = canvas.getBoundingClientRect();
    const p = Math.floor((event.clientX - frame.left - box.left) / box.cell);
    const t = Math.floor((event.clientY - frame.top - box.top) / box.cell);
    if (t < 0 || p < 0 || t >= n || p >= n) { if (at) leave(); return; }
    if (!at || at[0] !== t || at[1] !== p || event.type === "pointerdown") show(t, p, event.clientX, event.clientY);
  };
  canvas.addEventListener("pointermove", point);
  canvas.addEventListener("pointerdown", point);
  canvas.addEventListener("pointerleave", leave);
  canvas.addEventListener("blur", leave);
  const open = () => {
    if (!at) return;
    const [t, p] = at;
    tip.hidden = true;
    document.dispatchEvent(new CustomEvent("cell", { detail: { true: t, predicted: p, opener: canvas } }));
  };
  canvas.addEventListener("click", open);
  canvas.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      open();
      return;
    }
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!step) return;
    event.preventDefault();
    const [t, p] = at ? [at[0] + step[0], at[1] + step[1]] : [0, 0];
    const frame = canvas.getBoundingClientRect();
    const [row, column] = [(t + n) % n, (p + n) % n];
    show(row, column, frame.left + box.left + column * box.cell, frame.top + box.top + row * box.cell);
  });
  scale.addEventListener("change", draw);
  errors.addEventListener("change", draw);
  dark.addEventListener("change", draw);
  new ResizeObserver(draw).observe(canvas);
})();
