// Filters the contract's table. The table is whole without this script.
"use strict";
(() => {
  const form = document.querySelector(".matrix-filter");
  const table = document.querySelector("table.matrix");
  if (!form || !table) return;
  const rows = [...table.tBodies[0].rows];
  const words = rows.map((row) => row.textContent.toLowerCase());

  const has = (list, wanted) => !wanted || list.split(" ").includes(wanted);
  const filter = () => {
    const { role, target, secret, text } = Object.fromEntries(new FormData(form));
    const looked = text.trim().toLowerCase();
    let shown = 0;
    rows.forEach((row, index) => {
      const fits =
        has(row.dataset.roles, role) &&
        has(row.dataset.targets, target) &&
        has(row.dataset.secret, secret) &&
        words[index].includes(looked);
      row.hidden = !fits;
      shown += fits;
    });
    for (const cell of table.querySelectorAll("[data-target]")) {
      cell.hidden = Boolean(target) && cell.dataset.target !== target;
    }
    form.elements.count.value = `${shown} of ${rows.length} variables`;
  };

  form.hidden = false;
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  filter();
})();
