"use strict";
(() => {
  const read = id => JSON.parse(document.getElementById(id).textContent);
  const data = read("data"), theory = read("theory");
  const form = document.querySelector("form.choices"), table = document.querySelector(".matrix");
  const head = table.tHead, body = table.tBodies[0], detail = document.getElementById("detail");
  const entryAt = new Map(data.entries.map(entry => [`${entry.m},${entry.p}`, entry]));
  const hidden = {models: new Set(), problems: new Set()};
  let sorting = null;  // {column: the place of a problem or "skill" or "name", down: boolean}

  const make = (name, attributes = {}, ...children) => {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) key in node ? node[key] = value : node.setAttribute(key, value);
    node.append(...children.filter(child => child !== null && child !== undefined));
    return node;
  };

  const text = value => {
    if (value === null || value === undefined) return "–";
    const size = Math.abs(value);
    if (size >= 100) return Math.round(value).toLocaleString("en");
    if (size >= 10) return value.toFixed(1).replace(/\.0$/, "");
    if (size >= 1) return value.toFixed(2).replace(/\.?0+$/, "");
    if (size < 0.001 && size > 0) return value.toExponential(0).replace("e-", "e−");
    return String(Number(value.toFixed(size < 0.1 ? 3 : 2))).replace(/^(-?)0\./, "$1.").replace("-", "−");
  };

  // Colours: viridis, which grows lighter evenly and which colour-blind readers can read.
  const STOPS = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]];
  const colour = share => {
    const at = Math.min(Math.max(share, 0), 1) * (STOPS.length - 1), low = Math.min(Math.floor(at), STOPS.length - 2);
    return STOPS[low].map((part, i) => Math.round(part + (at - low) * (STOPS[low + 1][i] - part)));
  };
  const linear = part => (part /= 255) <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  const ink = ([r, g, b]) => {
    const light = 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
    return (light + 0.05) / 0.05 > 1.05 / (light + 0.05) ? "#000" : "#fff";
  };

  const view = () => data.views[form.elements.view.selectedIndex];
  const weight = (entry, shown) => {
    if (!entry) return null;
    return shown.colour ? entry[shown.colour] : entry.v[shown.key][0];
  };
  const scaleOf = shown => {
    if (shown.colour) return value => value;
    const found = data.entries.map(entry => weight(entry, shown)).filter(value => value !== null);
    const wide = found.length && Math.min(...found) > 0 && Math.max(...found) / Math.min(...found) > 30;
    const form = wide ? Math.log : value => value;
    const low = form(Math.min(...found)), high = form(Math.max(...found));
    const share = value => high > low ? (form(value) - low) / (high - low) : 0.5;
    return value => shown.order === "down" ? 1 - share(value) : share(value);
  };
  const ends = shown => {
    if (shown.colour === "share") return ["no seed", "every seed"];
    if (shown.colour) return ["baseline", "threshold of solved"];
    const found = data.entries.map(entry => weight(entry, shown)).filter(value => value !== null);
    if (!found.length) return ["", ""];
    const pair = [text(Math.min(...found)), text(Math.max(...found))];
    return shown.order === "down" ? pair.reverse() : pair;
  };

  const saidOf = (model, problem) => theory.filter(one => one.models.includes(model) && one.problems.includes(problem));
  const valueText = (entry, shown) => {
    if (shown.key === "solved") return [`${entry.v.solved[0]}/${entry.planned}`, ""];
    const [mean, low, high] = entry.v[shown.key];
    if (mean === null) return ["–", ""];
    const around = low === null ? "" : shown.key === "steps_to_solved" ? `${text(low)}–${text(high)}` : `±${text((high - low) / 2)}`;
    return [text(mean), around];
  };
  const better = (entry, problem) => {
    if (entry.p_corrected === null || entry.p_corrected >= 0.05) return "";
    const higher = data.problems[problem].chance < data.problems[problem].solved_at;
    return (entry.difference > 0) === higher ? " ▲" : " ▼";
  };

  const shownProblems = () => data.problems.map((_, place) => place).filter(place => !hidden.problems.has(data.problems[place].family));
  const shownModels = () => {
    const places = data.models.map((_, place) => place).filter(place => !hidden.models.has(data.models[place].family));
    if (!sorting) return places;
    const shown = view();
    const key = place => sorting.column === "skill" ? data.models[place].skill
      : sorting.column === "name" ? data.models[place].name : weight(entryAt.get(`${place},${sorting.column}`), shown);
    return places.sort((one, other) => {
      const a = key(one), b = key(other);
      if (a === null || b === null) return (a === null) - (b === null);
      return (a < b ? -1 : a > b ? 1 : 0) * (sorting.down ? -1 : 1);
    });
  };

  const sorter = (label, column, title) => {
    const on = sorting && sorting.column === column;
    const button = make("button", {type: "button", textContent: label, title});
    button.addEventListener("click", () => {
      const down = column !== "name" && view().order !== "down";
      sorting = !on ? {column, down} : sorting.down === down ? {column, down: !down} : null;
      draw();
      head.querySelector(`[data-column="${column}"] button`).focus();
    });
    const cell = make("th", {scope: "col"}, button);
    cell.dataset.column = column;
    if (on) cell.setAttribute("aria-sort", sorting.down ? "descending" : "ascending");
    return cell;
  };

  const drawHead = problems => {
    const families = make("tr", {}, make("th"), make("th"));
    for (let at = 0; at < problems.length;) {
      const family = data.problems[problems[at]].family;
      let count = 0;
      while (at + count < problems.length && data.problems[problems[at + count]].family === family) count++;
      families.append(make("th", {className: "family", colSpan: count, scope: "colgroup", textContent: family, title: family}));
      at += count;
    }
    const names = make("tr", {}, sorter("model", "name", "Sort by name"), sorter("mean skill", "skill", "Mean over the problems of the score between baseline (0) and solved (1)"));
    for (const place of problems) {
      const {name, metric, chance, solved_at} = data.problems[place];
      names.append(sorter(name, place, `${name}: ${metric}, baseline ${text(chance)}, solved at ${text(solved_at)}`));
    }
    head.replaceChildren(families, names);
  };

  const drawEntry = (model, problem, shown, scale) => {
    const entry = entryAt.get(`${model},${problem}`), names = [data.models[model].name, data.problems[problem].name];
    const button = make("button", {type: "button"});
    const cell = make("td", {}, button);
    if (saidOf(...names).length) cell.classList.add("said");
    button.addEventListener("click", () => open([problem], model, cell));
    const value = weight(entry, shown);
    if (!entry || value === null) {
      cell.classList.add("none");
      button.textContent = "–";
      button.title = `${names.join(" on ")}: ${entry ? entry.statuses : "no run"}`;
      return cell;
    }
    const [main, around] = valueText(entry, shown), fill = colour(scale(value));
    button.append(main + (shown.key === "test" ? better(entry, problem) : ""), around ? make("small", {textContent: around}) : null);
    button.style.background = `rgb(${fill})`;
    button.style.color = ink(fill);
    button.title = about(entry, names, shown);
    return cell;
  };

  const about = (entry, names, shown) => {
    const [mean, low, high] = entry.v[shown.key];
    const interval = low === null ? "" : shown.key === "steps_to_solved" ? ` (${text(low)} to ${text(high)})` : ` [${text(low)}, ${text(high)}]`;
    return `${names.join(" on ")}: ${shown.title} ${text(mean)}${interval}; ${entry.n} of ${entry.planned} runs finished; learning rate ${entry.learning_rate}`;
  };

  const draw = () => {
    const shown = view(), problems = shownProblems(), models = shownModels(), scale = scaleOf(shown);
    drawHead(problems);
    body.replaceChildren(...models.map((model, place) => {
      const {name, family, skill, state_size} = data.models[model];
      const button = make("button", {type: "button", textContent: name, title: `All runs of ${name}; state of ${text(state_size)} numbers`});
      button.addEventListener("click", () => open(shownProblems(), model, null));
      const row = make("tr", {}, make("th", {scope: "row"}, button, make("small", {textContent: family})), make("td", {className: "mean", textContent: text(skill)}));
      if (!sorting && place && data.models[models[place - 1]].family !== family) row.className = "first";
      row.append(...problems.map(problem => drawEntry(model, problem, shown, scale)));
      return row;
    }));
    document.querySelector(".says").textContent = shown.says;
    const [first, last] = document.querySelectorAll(".legend > span"), [low, high] = ends(shown);
    first.textContent = low;
    last.textContent = high;
  };

  // The runs behind an entry, as small pictures.
  const W = 240, H = 120, LEFT = 34, BOTTOM = 16, TOP = 6;
  const svg = (name, attributes, content) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    if (content !== undefined) node.textContent = content;
    return node;
  };
  const plot = (title, xName, lines, marks = [], range = null) => {
    const xs = lines.flatMap(line => line.x), ys = lines.flatMap(line => line.y).concat(marks.map(mark => mark.y)).filter(y => y !== null && isFinite(y));
    if (!xs.length || !ys.length) return null;
    const [low, high] = range || [Math.min(...ys), Math.max(...ys)], x0 = Math.min(...xs), x1 = Math.max(...xs);
    const X = x => LEFT + (W - LEFT - 6) * (x1 > x0 ? (x - x0) / (x1 - x0) : 0.5);
    const Y = y => TOP + (H - TOP - BOTTOM) * (1 - (high > low ? (Math.min(Math.max(y, low), high) - low) / (high - low) : 0.5));
    const node = svg("svg", {viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": title});
    node.append(
      svg("line", {class: "axis", x1: LEFT, x2: W - 6, y1: H - BOTTOM, y2: H - BOTTOM}), svg("line", {class: "axis", x1: LEFT, x2: LEFT, y1: TOP, y2: H - BOTTOM}),
      svg("text", {x: LEFT - 3, y: TOP + 7, "text-anchor": "end"}, text(high)), svg("text", {x: LEFT - 3, y: H - BOTTOM, "text-anchor": "end"}, text(low)),
      svg("text", {x: LEFT, y: H - 4}, text(x0)), svg("text", {x: W - 6, y: H - 4, "text-anchor": "end"}, text(x1)), svg("text", {x: (LEFT + W) / 2, y: H - 4, "text-anchor": "middle"}, xName));
    for (const mark of marks) {
      node.append(svg("line", {class: "mark", x1: LEFT, x2: W - 6, y1: Y(mark.y), y2: Y(mark.y)}), svg("text", {x: W - 6, y: Y(mark.y) - 2, "text-anchor": "end"}, mark.name));
    }
    for (const line of lines) {
      const points = line.x.map((x, i) => [x, line.y[i]]).filter(([, y]) => y !== null);
      node.append(svg("path", {class: line.kind, d: points.map(([x, y], i) => `${i ? "L" : "M"}${X(x).toFixed(1)} ${Y(y).toFixed(1)}`).join("")}));
      if (line.dots) node.append(...points.map(([x, y]) => svg("circle", {cx: X(x), cy: Y(y), r: 2.5})));
    }
    return make("figure", {}, make("figcaption", {textContent: title}), node);
  };

  // A gradient map: a row a run or problem, from the last answer on the left back in time; bright where much remains.
  const gradientMap = (title, rows) => {
    rows = rows.filter(row => row.x.length);
    if (!rows.length) return null;
    const wide = 320, left = 110, high = 12, last = Math.max(...rows.map(row => row.x[row.x.length - 1]));
    const node = svg("svg", {viewBox: `0 0 ${wide} ${rows.length * high + 14}`, role: "img", "aria-label": title});
    rows.forEach((row, at) => {
      node.append(svg("text", {x: left - 4, y: at * high + 9, "text-anchor": "end"}, row.name));
      row.x.forEach((x, i) => {
        const next = i + 1 < row.x.length ? row.x[i + 1] : x + 1, scale = (wide - left) / (last + 1), y = row.y[i];
        const fill = y === null ? "var(--line)" : `rgb(${colour(1 + y / 4)})`;
        node.append(svg("rect", {x: left + x * scale, y: at * high, width: (next - x) * scale + 0.3, height: high - 1, fill}));
      });
    });
    const y = rows.length * high + 9;
    node.append(svg("text", {x: left, y}, "last answer"), svg("text", {x: wide, y, "text-anchor": "end"}, `${last} steps back`));
    return make("figure", {className: "map"}, make("figcaption", {textContent: title}), node);
  };
  const mapsOf = (runs, named) => ["before", "after"].map(key => gradientMap(
    `gradient ${key === "before" ? "at the start" : "after learning"}, from 1 (bright) to 0.0001 (dark) of that at the last answer`,
    runs.map(run => ({name: named(run), x: run[key][0], y: run[key][1]}))));

  const pictures = (model, problem) => {
    const runs = data.runs.filter(run => run.m === model && run.p === problem), of = data.problems[problem];
    const chosen = runs.filter(run => run.chosen), sorted = [...runs].sort((one, other) => one.chosen - other.chosen);
    const marks = of.chance === null ? [] : [{y: of.chance, name: "baseline"}, {y: of.solved_at, name: "solved"}];
    const curves = sorted.map(run => ({x: run.steps, y: run.curve, kind: run.chosen ? "" : "other"}));
    const reached = ["before", "after"].flatMap(key => chosen.map(run => ({x: run[key][0], y: run[key][1], kind: key === "after" ? "" : "other"})));
    const lengths = chosen.map(run => ({x: run.lengths, y: run.scores, kind: "", dots: true}));
    return make("div", {className: "plots"},
      plot(`validation ${of.metric}; grey: the other learning rate`, "update", curves, marks),
      plot("log10 of the gradient, by distance to the last answer; grey: at the start", "steps back", reached, [{y: -2, name: "1 %"}], [-6, 2]),
      plot(`test ${of.metric} beyond the trained lengths`, "length", lengths, marks),
      ...mapsOf(chosen, run => `seed ${run.seed}`));
  };

  const facts = (model, problem) => {
    const entry = entryAt.get(`${model},${problem}`), names = [data.models[model].name, data.problems[problem].name];
    if (!entry) return ["No run."];
    const lines = [`${entry.statuses}. Learning rate ${entry.learning_rate}. Score ${valueText(entry, {key: "test"}).join(" ")}; beyond ${valueText(entry, {key: "beyond"}).join(" ")}; solved ${entry.v.solved[0]}/${entry.planned}.`];
    if (entry.difference !== null) lines.push(`Less that of ${data.reference}, seed by seed: ${text(entry.difference)}${entry.difference_low === null ? "" : ` [${text(entry.difference_low)}, ${text(entry.difference_high)}]`}${entry.p_corrected === null ? "" : `, corrected p = ${text(entry.p_corrected)}`}.`);
    return lines.concat(saidOf(...names).map(one => `Theory: ${one.says}. ${one.because} ${one.source}.`));
  };

  const open = (problems, model, cell) => {
    for (const one of table.querySelectorAll("td.open")) one.classList.remove("open");
    if (cell) cell.classList.add("open");
    detail.hidden = false;
    const first = problems.map(problem => data.runs.find(run => run.m === model && run.p === problem && run.chosen)).filter(run => run);
    const maps = problems.length > 1 ? make("div", {className: "plots"}, ...mapsOf(first, run => data.problems[run.p].name)) : null;
    detail.replaceChildren(...[make("h2", {textContent: data.models[model].name, tabIndex: -1}), maps].filter(part => part), ...problems.map(problem => make("div", {className: "entry"},
      make("h3", {textContent: data.problems[problem].name}), ...facts(model, problem).map(line => make("p", {textContent: line})), pictures(model, problem))));
    detail.firstChild.focus({preventScroll: true});
    detail.scrollIntoView({block: "nearest", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth"});
  };

  form.elements.view.append(...data.views.map(one => make("option", {textContent: one.title})));
  form.elements.view.addEventListener("change", draw);
  for (const fieldset of form.querySelectorAll("fieldset")) {
    const kind = fieldset.dataset.kind;
    for (const family of new Set(data[kind].map(one => one.family))) {
      const box = make("input", {type: "checkbox", checked: true});
      box.addEventListener("change", () => { box.checked ? hidden[kind].delete(family) : hidden[kind].add(family); draw(); });
      fieldset.append(make("label", {}, box, family));
    }
  }
  form.addEventListener("submit", event => event.preventDefault());
  draw();
})();
