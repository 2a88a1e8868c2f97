"use strict";
(() => {
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const charts = [...document.querySelectorAll("figure.chart")];
  const form = document.querySelector("form.choices");
  const phone = matchMedia("(pointer: coarse)").matches;
  let printing = false;

  // Plotly reads its own markup in texts, so that "<" and "&" of a run's name are escaped.
  const escaped = (value, key) => {
    if (typeof value === "string") return key === "hovertemplate" ? value : value.replace(/&/g, "&amp;").replace(/</g, "&lt;");
    if (Array.isArray(value)) return typeof value[0] === "number" ? value : value.map(item => escaped(item, key));
    if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, escaped(item, name)]));
    return value;
  };

  const theme = () => {
    const style = getComputedStyle(document.documentElement);
    const colour = name => printing ? {"--text": "#000", "--line": "#bbb"}[name] : style.getPropertyValue(name).trim();
    const axis = {gridcolor: colour("--line"), zerolinecolor: colour("--line"), linecolor: colour("--line"), automargin: true};
    return {font: {color: colour("--text"), size: 12, family: "system-ui, sans-serif"}, axis};
  };

  const layoutOf = figure => {
    const {font, axis} = theme();
    const given = escaped(figure.layout);
    return {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", showlegend: false, hovermode: "closest",
      margin: {l: 44, r: 12, t: 10, b: 36}, dragmode: phone ? false : "zoom",
      legend: {orientation: "h", y: 1.02, yanchor: "bottom"}, ...given, font,
      xaxis: {...axis, ...given.xaxis}, yaxis: {...axis, ...given.yaxis},
      ...(printing ? {width: 320, height: 240} : {autosize: true}),
    };
  };

  const isShown = trace => {
    if (trace.meta === "run" && !form.elements.each.checked) return false;
    const box = form && form.querySelector(`input[name="group"][value="${trace.legendgroup}"]`);
    return !box || box.checked;
  };

  const draw = chart => {
    const figure = figures[chart.dataset.chart];
    const data = escaped(figure.data).map(trace => ({...trace, visible: isShown(trace)}));
    const settings = {responsive: true, displaylogo: false, displayModeBar: phone || !matchMedia("(hover: hover)").matches ? false : "hover", modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"]};
    Plotly.react(chart.querySelector(".plot"), data, layoutOf(figure), settings);
    chart.dataset.drawn = "yes";
  };

  const drawn = () => charts.filter(chart => chart.dataset.drawn && !chart.hidden);
  const watcher = new IntersectionObserver(seen => {
    for (const {isIntersecting, target} of seen) if (isIntersecting && !target.dataset.drawn) draw(target);
  }, {rootMargin: "300px"});
  charts.forEach(chart => watcher.observe(chart));

  const choose = () => {
    const panel = form.elements.panel ? form.elements.panel.value : "";
    for (const chart of charts) {
      const box = form.querySelector(`input[name="group"][value="${chart.dataset.group}"]`);
      chart.hidden = Boolean(panel && chart.dataset.panel && chart.dataset.panel !== panel) || Boolean(box && !box.checked);
    }
    drawn().forEach(draw);
  };
  if (form) form.addEventListener("change", choose);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawn().forEach(draw));
  addEventListener("beforeprint", () => { printing = true; charts.filter(chart => !chart.hidden).forEach(draw); });
  addEventListener("afterprint", () => { printing = false; drawn().forEach(draw); });

  const element = (name, text) => Object.assign(document.createElement(name), text === undefined ? {} : {textContent: text});
  const rowOf = (name, cells) => { const row = element("tr"); cells.forEach(cell => row.append(element(name, cell ?? ""))); return row; };

  // The values of a chart as a table, for readers who cannot see it.
  const valuesOf = figure => {
    const table = element("table"), heat = figure.data.find(trace => trace.type === "heatmap");
    if (heat) {
      table.append(rowOf("th", ["", ...heat.x]), ...heat.z.map((line, place) => rowOf("td", [heat.y[place], ...line])));
      return table;
    }
    const traces = figure.data.filter(trace => trace.name && trace.meta !== "run");
    const places = [...new Set(traces.flatMap(trace => trace.x))].sort((one, other) => one - other);
    const columns = traces.map(trace => new Map(trace.x.map((x, place) => [x, trace.y[place]])));
    table.append(rowOf("th", [figure.layout.xaxis?.title?.text ?? "", ...traces.map(trace => trace.name)]));
    table.append(...places.map(x => rowOf("td", [x, ...columns.map(column => column.get(x))])));
    return table;
  };
  document.querySelectorAll("details.values").forEach(details => details.addEventListener("toggle", () => {
    const box = Object.assign(element("div"), {className: "scroll"});
    box.append(valuesOf(figures[details.parentElement.dataset.chart]));
    details.append(box);
  }, {once: true}));

  const orderOf = (row, column) => {
    const cell = row.cells[column];
    return cell.dataset.order === undefined ? cell.textContent : Number(cell.dataset.order);
  };
  const compare = (one, other) => {
    if (one === "" || other === "") return (one === "") - (other === "");
    return typeof one === "number" && typeof other === "number" ? one - other : String(one).localeCompare(String(other));
  };
  const sort = (table, head) => {
    const body = table.tBodies[0], column = head.cellIndex;
    const falls = head.getAttribute("aria-sort") === "ascending";
    [...table.tHead.rows[0].cells].forEach(cell => cell.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", falls ? "descending" : "ascending");
    const rows = [...body.rows].sort((one, other) => {
      const found = compare(orderOf(one, column), orderOf(other, column));
      return falls && orderOf(one, column) !== "" && orderOf(other, column) !== "" ? -found : found;
    });
    body.append(...rows);
  };
  document.querySelectorAll("table.sortable").forEach(table => {
    for (const head of table.tHead.rows[0].cells) {
      const button = element("button", head.textContent);
      button.type = "button";
      button.addEventListener("click", () => sort(table, head));
      head.replaceChildren(button);
    }
    const filter = Object.assign(element("input"), {className: "filter", type: "search", placeholder: "filter rows"});
    filter.setAttribute("aria-label", `Filter the rows of ${table.caption.textContent}`);
    filter.addEventListener("input", () => {
      const words = filter.value.toLowerCase().split(/\s+/);
      for (const row of table.tBodies[0].rows) {
        const text = [...row.cells].map(cell => cell.textContent).join(" ").toLowerCase();
        row.hidden = !words.every(word => text.includes(word));
      }
    });
    table.parentElement.before(filter);
  });
})();
