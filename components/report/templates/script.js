"use strict";
(() => {
  // Tables: a click on a heading sorts; numbers by value, names as people order them.
  const collator = new Intl.Collator(undefined, { numeric: true });
  const valueOf = (cell) => {
    const text = cell.dataset.value ?? cell.textContent.trim();
    const number = Number(text.replace(/,/g, "").replace("−", "-").replace(/[%+]/g, ""));
    return text === "" || text === "–" ? null : Number.isNaN(number) ? text : number;
  };
  const compare = (a, b) =>
    typeof a === "number" && typeof b === "number" ? a - b : collator.compare(String(a), String(b));
  const sortBy = (table, column, descending) => {
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row) => [valueOf(row.cells[column]), row]);
    rows.sort(([a], [b]) => {
      if (a === null || b === null) return (a === null) - (b === null);
      return descending ? compare(b, a) : compare(a, b);
    });
    body.append(...rows.map(([, row]) => row));
  };
  for (const table of document.querySelectorAll("table.sortable")) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const now = head.getAttribute("aria-sort");
        const first = head.classList.contains("num") ? "descending" : "ascending";
        const other = first === "ascending" ? "descending" : "ascending";
        const next = now === first ? other : first;
        heads.forEach((h) => h.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", next);
        sortBy(table, column, next === "descending");
      });
    });
  }
  for (const input of document.querySelectorAll("input[data-filters]")) {
    const rows = [...document.getElementById(input.dataset.filters).tBodies[0].rows];
    input.addEventListener("input", () => {
      const wanted = input.value.trim().toLowerCase();
      for (const row of rows) row.hidden = !row.cells[0].textContent.toLowerCase().includes(wanted);
    });
  }

  // What scrolls can be reached and scrolled by keyboard; what does not is no stop on the way.
  const regions = [...document.querySelectorAll(".scroll, pre")];
  const names = new Map();
  for (const region of regions) {
    const around = region.querySelector("caption") ?? region.closest("details")?.querySelector("summary") ?? region.closest("section")?.querySelector("h2");
    const base = around?.textContent.trim() ?? "table";
    // A screen reader tells two regions apart by their names alone.
    let name = base;
    for (let number = 2; [...names.values()].includes(name); number++) name = `${base}, ${number}`;
    names.set(region, name);
  }
  const reachable = () => {
    for (const region of regions) {
      const scrolls = region.scrollWidth > region.clientWidth || region.scrollHeight > region.clientHeight;
      if (scrolls === (region.tabIndex === 0)) continue;
      if (!scrolls) {
        for (const name of ["tabindex", "role", "aria-label"]) region.removeAttribute(name);
        continue;
      }
      region.tabIndex = 0;
      region.setAttribute("role", "region");
      region.setAttribute("aria-label", names.get(region));
    }
  };
  const watched = new ResizeObserver(reachable);
  for (const region of regions) watched.observe(region);
  reachable();

  // The section in view is marked in the navigation.
  const links = new Map([...document.querySelectorAll("nav a")].map((a) => [a.hash.slice(1), a]));
  const seen = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        if (!entry.isIntersecting) continue;
        for (const a of links.values()) a.classList.remove("here");
        links.get(entry.target.id)?.classList.add("here");
      }
    },
    { rootMargin: "-10% 0px -75% 0px" },
  );
  for (const section of document.querySelectorAll("main > section")) seen.observe(section);
})();
