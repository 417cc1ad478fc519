"use strict";
(() => {
  // Earlier nights wait in <template>s, which a browser reads but does not lay out.
  for (const button of document.querySelectorAll("button.earlier")) {
    const section = button.closest("section");
    const body = section.querySelector("table.nights tbody");
    button.addEventListener("click", () => {
      const [next, ...later] = section.querySelectorAll("template[data-nights]");
      body.append(next.content);
      next.remove();
      const left = later.reduce((sum, part) => sum + part.content.childElementCount, 0);
      button.nextElementSibling.textContent = left ? `${left} earlier nights` : "";
      if (left) return;
      // The focus must not fall to the page's top with the button.
      const heading = section.querySelector("h3[id]");
      heading.tabIndex = -1;
      heading.focus({ preventScroll: true });
      button.remove();
    });
  }
})();
