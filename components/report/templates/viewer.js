"use strict";
(() => {
  // File names: a click selects one, buttons copy one or all of a gallery.
  const said = document.getElementById("said");
  const copy = async (text, button) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Where the page may not use the clipboard, the selection can still be copied.
      const area = document.createElement("textarea");
      area.value = text;
      (button.closest("dialog") ?? document.body).append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
      button.focus();
    }
    button.dataset.says ??= button.textContent;
    button.textContent = "Copied";
    said.textContent = "Copied to the clipboard.";
    setTimeout(() => (button.textContent = button.dataset.says), 1500);
  };
  for (const button of document.querySelectorAll(".copy-names")) {
    button.addEventListener("click", () => {
      const head = button.closest(".heading");
      const found = [];
      for (let part = head.nextElementSibling; part && !part.matches(".heading"); part = part.nextElementSibling) {
        if (part.matches(".gallery")) found.push(...part.querySelectorAll("figure"));
        if (part.matches(".masks")) found.push(part);
      }
      copy([...new Set(found.map((one) => one.dataset.id))].join("\n"), button);
    });
  }

  // One picture, large: arrow keys turn the leaves of its gallery, Escape closes.
  const viewer = document.getElementById("viewer");
  const [title, stage, caption, place, previous, next, copier] = [
    "title", "stage", "caption", "place", "previous", "next", "copy",
  ].map((part) => document.getElementById(`viewer-${part}`));
  let leaves = [], at = 0, opener = null;
  const turn = (to) => {
    at = to;
    const figure = leaves[at];
    const small = figure.querySelector("img");
    const image = new Image();
    image.id = "viewer-image";
    image.src = small.src;
    stage.replaceChildren(image);
    image.alt = small.closest("button").getAttribute("aria-label").replace(/^Enlarge /, "");
    const text = figure.querySelector("figcaption").cloneNode(true);
    const file = text.querySelector(".file");
    file?.remove();
    title.replaceChildren(...(file ?? text.cloneNode(true)).childNodes);
    caption.replaceChildren(...(file ? text.childNodes : []));
    caption.className = figure.className;
    place.textContent = `${at + 1} of ${leaves.length}`;
    previous.disabled = at === 0;
    next.disabled = at === leaves.length - 1;
    if (document.activeElement?.disabled) title.focus();
  };
  const enlarge = (button) => {
    opener = button;
    const around = button.closest(".gallery, .masks");
    leaves = [...around.querySelectorAll("figure")].filter((figure) => figure.querySelector("img"));
    turn(leaves.indexOf(button.closest("figure")));
    viewer.showModal();
    title.focus();
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button.open");
    if (button) enlarge(button);
  });
  previous.addEventListener("click", () => turn(at - 1));
  next.addEventListener("click", () => turn(at + 1));
  copier.addEventListener("click", () => copy(leaves[at].dataset.id, copier));
  viewer.addEventListener("keydown", (event) => {
    const to = at + ({ ArrowLeft: -1, ArrowRight: 1 }[event.key] ?? 0);
    if (to === at || to < 0 || to >= leaves.length) return;
    event.preventDefault();
    turn(to);
  });
  viewer.addEventListener("close", () => {
    // Back to the picture that was looked at last, not the one that was opened first.
    (leaves[at]?.querySelector("button.open") ?? opener)?.focus();
  });
  for (const dialog of document.querySelectorAll("dialog")) {
    dialog.querySelector(".close").addEventListener("click", () => dialog.close());
    // A click beside the dialog's content lands on the dialog itself.
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  }

  // A cell of the confusion matrix, with its pictures.
  const source = document.getElementById("matrix-data");
  if (!source) return;
  const { classes, shown, cells, unit, examples } = JSON.parse(source.textContent);
  const cellDialog = document.getElementById("cell");
  const [cellTitle, note, gallery] = ["title", "note", "gallery"].map((part) => document.getElementById(`cell-${part}`));
  const counts = new Map(cells.map(([t, p, c]) => [`${t},${p}`, c]));
  const inGalleries = new Map(
    [...document.querySelectorAll(".gallery figure[data-id] img")].map((img) => [img.closest("figure").dataset.id, img.src]),
  );
  const element = (tag, css, ...children) => {
    const made = document.createElement(tag);
    if (css) made.className = css;
    made.append(...children);
    return made;
  };
  // As on the page: names wrap at their joints.
  const joints = /(?<=[/\\_,:;=&?\-])(?=[^\s/\\_,:;=&?\-]{3})|(?<=\.)(?=\w{5})/u;
  const isolated = (text, css = "") => {
    const made = element("bdi", css);
    text.split(joints).forEach((part, i) => made.append(...(i ? [element("wbr")] : []), part));
    return made;
  };
  const named = (i) => (shown[i] === classes[i] ? [isolated(classes[i])] : [isolated(shown[i]), " ", isolated(classes[i], "key")]);
  const figureOf = ({ cell: [t, p], id, probability, picture }) => {
    const img = element("img");
    img.src = picture || inGalleries.get(id);
    img.alt = "";
    const button = element("button", "open", img);
    button.type = "button";
    button.setAttribute("aria-label", `Enlarge ${id}`);
    const share = element("span", "share", `${Math.round(100 * probability)}%`);
    const text = element("figcaption", "", element("span", "predicted", ...named(p), " ", share));
    if (t !== p) text.append(element("span", "true", "is ", ...named(t)));
    text.append(element("code", "file", isolated(id)));
    const figure = element("figure", t === p ? "right" : "wrong", button, text);
    figure.dataset.id = id;
    return figure;
  };
  let from = null;
  document.addEventListener("cell", ({ detail: { true: t, predicted: p, opener: by } }) => {
    const count = counts.get(`${t},${p}`) ?? 0;
    if (unit !== "examples" || !count) return;
    from = by;
    const kept = examples.filter(({ cell }) => cell[0] === t && cell[1] === p);
    cellTitle.replaceChildren(...named(t), t === p ? " recognised" : " mistaken for ", ...(t === p ? [] : named(p)));
    const few = kept.length < count ? `${kept.length || "None"} of ${count.toLocaleString("en")} ${unit} ${kept.length === 1 ? "is" : "are"} kept here with a picture` : `${count === 1 ? "The one example" : `All ${count} ${unit}`}`;
    note.textContent = `${few}${t !== p && kept.length ? ", the surest first" : ""}.`;
    kept.sort((a, b) => b.probability - a.probability);
    gallery.replaceChildren(...kept.map(figureOf));
    cellDialog.showModal();
    cellTitle.focus();
  });
  cellDialog.addEventListener("close", () => from?.focus());
  for (const button of document.querySelectorAll(".cell-opener")) {
    button.addEventListener("click", () => {
      const [t, p] = button.dataset.cell.split(",").map(Number);
      document.dispatchEvent(new CustomEvent("cell", { detail: { true: t, predicted: p, opener: button } }));
    });
  }
})();
