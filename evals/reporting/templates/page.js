"use strict";
(() => {
  // Every text goes in as a text node: nothing of a case is ever read as HTML.
  const el = (tag, attributes, ...children) => {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : value);
    }
    node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== ""));
    return node;
  };
  const unpack = async (text) => {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return JSON.parse(await new Response(stream).text());
  };
  const some = (values) => values.filter((value) => value !== null && value !== "" && value !== undefined);
  const terms = (pairs) => el("dl", {}, pairs.filter(([, value]) => value !== null && value !== "" && value !== undefined).flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
  const rows = (heads, lines) => el("div", { class: "scroll" }, el("table", {}, el("tr", {}, heads.map((head) => el("th", { scope: "col" }, head))), lines));
  const fold = (title, children, open) => el("details", { open }, el("summary", {}, title), children);
  const count = (n, what) => n + " " + what + (n === 1 ? "" : "s");
  const percent = (share) => (share === null ? "" : (100 * share).toFixed(1) + " %");
  const NAMES = { curated: "curated truth", kb: "+ KB synonyms", ontology: "+ ontologies", "kb+ontology": "+ KB and ontologies", judge: "+ judge" };
  const SHADE = { L0: "right", L1: "right", L2: "right", L3: "part", L4: "part" };

  const pictures = (list) => el("div", { class: "pictures" }, list.map((one, at) => {
    const data = document.getElementById("picture-" + one.key);
    if (!data) return el("span", {}, (one.caption || "a picture") + ": not in this page");
    const image = el("img", { src: "data:image/jpeg;base64," + data.textContent.trim(), alt: one.caption || "picture " + (at + 1) + " of " + list.length, title: "click to enlarge", tabindex: "0", role: "button" });
    const box = el("span", {}, image, one.caption);
    const toggle = () => image.setAttribute("aria-pressed", String(box.classList.toggle("large")));
    image.addEventListener("click", toggle);
    image.addEventListener("keydown", (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); toggle(); } });
    return box;
  }));
  const input = (one) => {
    const c = one.case;
    return [
      el("h4", {}, "Input " + one.view + " (" + one.arms.join(", ") + ")"),
      one.pictures.length ? pictures(one.pictures) : null,
      terms([
        ["age, sex", some([c.age_years === null ? "age unknown" : c.age_years + " years", c.sex || "sex unknown"]).join(", ")],
        ["study", some([c.modality, c.region]).join(", ")],
        ["history", c.history || "none"], ["findings in text", c.findings_text],
        ["series", c.series.map((s) => some([s.id, s.modality, s.body_part, s.plane, s.slices + " × " + s.rows + " × " + s.columns, s.unit, s.origin]).join(", ")).join("\n")],
        ["limits", c.limits.join("\n")],
      ]),
      fold("exactly as it was handed over", el("pre", {}, JSON.stringify(c, null, 2))),
    ];
  };
  const ranked = (outcome) => {
    const scorings = Object.keys(outcome.ranks);
    return rows(["#", "Diagnosis", "p", ...scorings.map((s) => NAMES[s] || s)], outcome.ranked.map((item, at) => el("tr", {},
      el("td", { class: "n" }, String(at + 1)),
      el("td", { class: "words" }, item.name,
        item.speaks_for.length ? el("div", { class: "small" }, "for: " + item.speaks_for.join("; ")) : null,
        item.speaks_against.length ? el("div", { class: "small" }, "against: " + item.speaks_against.join("; ")) : null,
        item.passages.length ? el("div", { class: "small" }, "passages: " + item.passages.join(", ")) : null,
        item.settles ? el("div", { class: "small" }, "settles it: " + item.settles) : null),
      el("td", { class: "n" }, percent(item.probability)),
      scorings.map((s) => el("td", { class: "n " + (SHADE[item.levels[s]] || "wrong") }, item.levels[s] || "")))));
  };
  const findings = (list) => fold(count(list.length, "finding"), rows(["Id", "Finding", "", "Certainty", "Source", "Where", "Read from or measured"], list.map((f) => el("tr", {},
    el("td", { class: "n" }, f.id),
    el("td", { class: "words" }, some([f.name, f.name.includes(f.side) ? "" : f.side, f.place]).join(", "), f.retracted ? el("div", { class: "danger" }, "retracted") : null, f.refuted ? el("div", { class: "danger" }, "refuted: " + f.refuted) : null),
    el("td", { class: f.present ? "right" : "wrong" }, f.present ? "present" : "absent"),
    el("td", { class: "n" }, f.certainty.toFixed(2)), el("td", {}, f.source, el("div", { class: "small" }, f.backend)),
    el("td", {}, some([f.series, f.window, f.slices.length ? "slices " + f.slices.join(", ") : ""]).join(", ")), el("td", { class: "small words" }, f.value)))));
  const passages = (list, texts) => fold(count(list.length, "passage") + ", " + list.filter((p) => p.is_cited).length + " cited", list.map((p) => {
    const full = texts[p.text];
    return el("div", { class: "card" }, el("b", {}, p.id + " "), full.disease, el("span", { class: "small" }, " · " + some([full.facet, full.modality, full.source, p.is_cited ? "cited" : ""]).join(" · ")), el("div", {}, full.text));
  }));
  const rankOf = (ranks) => Object.entries(ranks).map(([s, by]) => (NAMES[s] || s) + " " + (by.right || "miss") + (by.broader !== by.right ? " (with direct parents " + by.broader + ")" : "")).join("; ");
  const outcome = (one, texts, open) => el("div", { class: "outcome", "data-arm": one.arm, "data-view": one.view }, fold(
    one.arm + " " + one.view + (one.seed ? " seed " + one.seed : "") + ": " + (one.status === "OK" ? (one.ranks.curated && one.ranks.curated.right ? "rank " + one.ranks.curated.right : "not listed") : one.is_abstained ? "abstained" : one.status) + ", " + (one.is_batch ? "in a batch job of " : "") + one.latency_s.toFixed(2) + " s",
    [
      terms([
        ["rank of the truth", one.status === "OK" ? rankOf(one.ranks) : "none: the list does not count"],
        ["no list because", one.why_not], ["error", one.error], ["ended", one.stopped],
        ["costs", Object.entries(one.costs).map(([name, value]) => name.replaceAll("_", " ") + " " + (name === "dollars" ? value.toFixed(5) : value)).join(", ")],
        ["taken out, unsupported", one.unsupported ? String(one.unsupported) : ""], ["limits", one.limits.join("\n")],
      ]),
      one.ranked.length ? ranked(one) : el("p", { class: "small" }, "No list."),
      one.steps.length ? fold(count(one.steps.length, "step") + " of the trace", el("ol", {}, one.steps.map((s) => el("li", {}, el("b", {}, s.node + " "), s.what, el("span", { class: "small" }, " " + s.seconds.toFixed(2) + " s"))))) : null,
      one.findings.length ? findings(one.findings) : null,
      one.passages.length ? passages(one.passages, texts) : null,
      one.reply ? fold("reply", el("pre", {}, one.reply)) : null,
    ], open));
  const side = (one) => el("div", {}, one.title ? el("h3", {}, one.title) : null,
    el("h4", {}, "Truth"),
    terms([["diagnosis", one.detail.truth.primary], ["also right", one.detail.truth.synonyms.join("; ")], ["direct parents, partly right", one.detail.truth.broader.join("; ")], ["components", one.detail.truth.components.join("; ")], ["curated", one.detail.truth.is_curated ? "yes" : "no: the title alone"]]),
    one.detail.inputs.map(input), el("h4", {}, "Answers"), one.detail.outcomes.map((o, at) => outcome(o, one.detail.passages, at === 0 || one.detail.outcomes.length < 3)));
  const fill = async (box) => {
    const body = box.querySelector(".body");
    if (body.dataset.filled) return;
    body.dataset.filled = "yes";
    try {
      const { sides } = await unpack(document.getElementById(box.dataset.detail).textContent.trim());
      body.replaceChildren(sides.length > 1 ? el("div", { class: "two" }, sides.map(side)) : side(sides[0]));
      document.dispatchEvent(new CustomEvent("filled", { detail: body }));
    } catch (error) {
      body.replaceChildren(el("p", { class: "danger" }, "This browser could not open the case (" + error.name + "): it needs DecompressionStream, as in Chrome 80, Firefox 113, Safari 16.4 or later."));
    }
  };
  const reveal = () => {
    const box = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!box || !box.classList.contains("case")) return;
    for (let up = box; up; up = up.parentElement) { up.hidden = false; if (up.tagName === "DETAILS") up.open = true; }
    fill(box).then(() => box.scrollIntoView());
  };
  document.querySelectorAll(".case").forEach((box) => box.addEventListener("toggle", () => box.open && fill(box)));
  window.addEventListener("hashchange", reveal);

  const form = document.querySelector("form");
  if (form) {
    const boxes = [...document.querySelectorAll(".case")].map((box) => ({ box, chips: [...box.querySelectorAll(".chip")], words: box.textContent.toLowerCase() }));
    const OUTCOME = { top1: (r) => r === 1, not1: (r) => r !== 1, top10: (r) => r > 0 && r <= 10, not10: (r) => !r || r > 10 };
    const apply = () => {
      const want = Object.fromEntries(new FormData(form));
      const asked = want.words.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const { box, chips, words } of boxes) {
        let hit = false;
        for (const chip of chips) {
          const d = chip.dataset;
          const here = (!want.arm || d.arm === want.arm) && (!want.view || d.view === want.view);
          chip.hidden = !here;
          hit = hit || (here && (!want.status || d.status === want.status) && (!want.outcome || OUTCOME[want.outcome](Number(d.rank))));
        }
        box.hidden = !(hit && asked.every((word) => words.includes(word)));
        shown += box.hidden ? 0 : 1;
      }
      document.querySelectorAll(".outcome").forEach(restrict);
      form.querySelector("output").textContent = shown + " of " + boxes.length + " cases";
    };
    const restrict = (node) => { node.hidden = Boolean((form.elements.arm.value && node.dataset.arm !== form.elements.arm.value) || (form.elements.view.value && node.dataset.view !== form.elements.view.value)); };
    document.addEventListener("filled", (event) => event.detail.querySelectorAll(".outcome").forEach(restrict));
    form.addEventListener("input", apply);
    form.addEventListener("submit", (event) => event.preventDefault());
    apply();
    const index = document.getElementById("search");
    if (index) unpack(index.textContent.trim()).then(({ words }) => { boxes.forEach((one, at) => { one.words += " " + words[at]; }); apply(); });
  }
  reveal();
})();
