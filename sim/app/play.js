// Draws one month of the map and of the curves from arrays that are in the browser already. Nothing is asked for.
// In scope: cb_obj, `what` is to be done, and the models named in `args` of sim/app/map.py.
// Bokeh takes a column of data as new, and all its glyphs are made again, whenever it is set: so only what has changed is set.
if (meta.read_from !== meta.data) { meta.about = JSON.parse(meta.data.json[0]); meta.read_from = meta.data; }
const about = meta.about;
const n_zones = about.zones.length, n_months = about.months.length;
const layer = about.layers[layers.active], view = views.active;
const playing = () => play.tags.length > 0 && play.tags[0] != 0;
const same = (a, b) => a.length == b.length && a.every((value, i) => value === b[i]);
const number = (value, signed, suffix = signed ? layer.difference_suffix : layer.suffix) => {
  if (!isFinite(value)) return "–";
  const text = layer.written.format(Math.abs(value * layer.factor));
  const zero = Number(text.replace(/,/g, "")) == 0;
  return (zero ? "" : value < 0 ? "−" : signed ? "+" : "") + text + suffix;
};
layer.written ??= new Intl.NumberFormat("en-US", {maximumFractionDigits: layer.digits});
const class_of = (value, bounds) => bounds.filter(bound => value > bound).length;
// equal sizes have mirrored colours
const difference_class = (value, bounds) =>
  value < 0 ? class_of(value, bounds) : bounds.length - class_of(-value, bounds);
const show = (zones, labels, values, bounds, colours, signed) => {
  const text = about.zones.map((_name, z) => number(values[z], signed));
  const fill = about.zones.map((_name, z) => isFinite(values[z]) ? colours[(signed ? difference_class : class_of)(values[z], bounds)] : "#ffffff");
  text.forEach((one, z) => { zones.data.text[z] = one; });  // read when a zone is pointed at
  if (!same(fill, zones.data.fill)) zones.data = {...zones.data, fill: fill};
  // the key says the unit of a difference: there is no room beside the name
  const said = about.zones.map((name, z) => name + " " + number(values[z], signed, signed ? "" : layer.suffix));
  if (!same(said, labels.data.text)) labels.data = {...labels.data, text: said};
};
const numbers = (source, layer, side, size) => {  // of a layer in a run: (layers, runs, size)
  const from = (about.layers.indexOf(layer) * (about.two ? 2 : 1) + side) * size;
  return source.data.all.slice(from, from + size);
};
const rows_of = (spells) => {  // the rows of Map._spell_rows
  if (spells.read_from !== spells.data) {
    const n = spells.data.all.length / 7, row = (k) => spells.data.all.slice(k * n, (k + 1) * n);
    spells.rows = {x: Float32Array.from(row(0), m => m / 1000), y: Float32Array.from(row(1), m => m / 1000), first: row(2),
                   last: row(3), segment: row(4), upper: Uint32Array.from(row(5)), lower: Uint32Array.from(row(6))};
    spells.read_from = spells.data;
  }
  return spells.rows;
};
const there = (d, i, t) => d.first[i] <= t && t <= d.last[i];
const dots = (spells, target, ring, t) => {  // t below 0: none
  const wanted = BigInt(chosen.data.startup[0] || 0), upper = Number(wanted >> 32n), lower = Number(wanted & 0xffffffffn);
  const d = rows_of(spells), colours = target.data.colour, xs = colours.map(() => []), ys = colours.map(() => []);
  const n_segments = new Set(colours).size, chosen_one = {x: [], y: [], colour: []};
  for (let i = 0; i < d.first.length; i++) {
    if (!there(d, i, t)) continue;
    // a line of a metre with round ends is a dot, and a batch of dots of a segment is one line with gaps: painted at once
    const row = (d.segment[i] + i * n_segments) % colours.length;
    xs[row].push(d.x[i], d.x[i] + 0.001, NaN);
    ys[row].push(d.y[i], d.y[i], NaN);
    if (wanted && d.upper[i] === upper && d.lower[i] === lower) {
      chosen_one.x.push(d.x[i]); chosen_one.y.push(d.y[i]); chosen_one.colour.push(colours[d.segment[i]]);
    }
  }
  if (t >= 0 || target.data.xs.some(one => one.length)) target.data = {xs: xs, ys: ys, colour: colours};
  if (!same(chosen_one.x, ring.data.x) || !same(chosen_one.y, ring.data.y)) ring.data = chosen_one;
};
const startup_at = (side, event) => {  // the startup whose dot is nearest to a click, "" without one
  const d = rows_of([spells0, spells1][side]), map = [map0, map1][side], t = slider.value - 1;
  let near = 5 * (map.x_range.end - map.x_range.start) / map.inner_width, uid = "";
  if (layer.name != "startups" || (side == 0 ? view != 0 : view == 1)) return uid;
  for (let i = 0; i < d.first.length; i++) {
    const away = Math.hypot(d.x[i] - event.x, d.y[i] - event.y);
    if (there(d, i, t) && away < near) { near = away; uid = String((BigInt(d.upper[i]) << 32n) | BigInt(d.lower[i])); }
  }
  return uid;
};
const say = (text) => {  // told to everybody, a new text would lay out the whole page anew
  const shown = Bokeh.index.find_one(month)?.markup_el;
  month.setv({text: text}, {silent: shown != null});
  if (shown) shown.innerHTML = text;
};
const draw = () => {
  if (n_months == 0) return;
  const t = Math.min(Math.max(slider.value, 1), n_months) - 1, two = about.two;
  const rows = (side) => numbers(levels, layer, side, n_months * n_zones).slice(t * n_zones, (t + 1) * n_zones);
  const base = rows(0), policy = two ? rows(1) : base;
  if (view == 0) show(zones0, labels0, base, layer.bounds, about.levels, false);
  if (view == 1 && two) {
    show(zones1, labels1, policy.map((value, z) => value - base[z]), layer.differences, about.differences, true);
  } else show(zones1, labels1, policy, layer.bounds, about.levels, false);
  const startups = layer.name == "startups";
  dots(spells0, dots0, rings0, startups && view == 0 ? t : -1);
  dots(spells1, dots1, rings1, startups && view != 1 ? t : -1);
  side0.visible = view == 0;
  side1.visible = two || view != 0;
  title0.text = about.titles[0];
  title1.text = about.titles[two && view == 1 ? 2 : 1];
  bars_title.text = two ? layer.difference_title : "";
  key.text = view == 1 && two ? layer.difference_key : layer.key;
  cursor.location = t + 1;
  if (!playing()) cursor2.location = t + 1;  // one figure less to paint while it plays
  const a = time.data.policy[t], b = time.data.baseline[t];
  let said = "<b class='mo'>" + about.months[t] + "</b> <span class='s'>" + about.month_of.replace("{t}", t + 1) + "</span> ";
  said += "<span class='v'><b>0</b> " + number(b, false) + "</span>";
  if (two) said += " <span class='v a'><b>A</b> " + number(a, false) + " (" + number(a - b, true) + ")</span>";
  const beyond = view != 1 && t >= about.level_months ? " · " + about.beyond : "";
  say(said + " <span class='s'>" + layer.of_region + beyond + "</span>");
};
const tell = () => { chosen.data = {...chosen.data, month: [slider.value], layer: [layers.active], view: [views.active]}; };
const halt = () => {
  if (playing()) clearInterval(play.tags[0]);
  play.tags = [0];
  play.label = "▶ " + about.play;
  draw();
  tell();
};
const start = () => {
  if (slider.value >= n_months) slider.value = 1;
  play.label = "❚❚ " + about.pause;
  play.tags = [setInterval(() => {
    if (slider.value >= n_months) halt(); else slider.value += 1;
  }, [250, 80, 40][speed.active])];
};
const toggle = () => { if (playing()) halt(); else if (n_months) start(); };
if (what == "toggle") toggle();
else if (what == "speed") { if (playing()) { halt(); start(); } }
else if (what == "series") {
  const index = [], b = [], a = [], d = [];
  const [before, after] = [0, about.two ? 1 : 0].map(side => numbers(regions, layer, side, n_months));
  for (let t = 0; t < n_months; t++) {
    const without = before[t], with_it = after[t];
    index.push(t + 1); b.push(without); a.push(with_it); d.push(with_it - without);
  }
  time.data = {index: index, baseline: b, policy: a, difference: d};
  if (slider.value > n_months && n_months) slider.value = n_months;
  if (n_months) slider.end = n_months;
  draw();
  tell();
} else if (what == "zone") {
  const at = cb_obj.indices;
  if (at.length) chosen.data = {...chosen.data, zone: [about.zone_ids[at[0]]]};
} else if (what == "startup") {
  const uid = startup_at(cb_obj.origin === map0 ? 0 : 1, cb_obj);
  if (uid !== chosen.data.startup[0]) { chosen.data = {...chosen.data, startup: [uid]}; draw(); }
} else {
  draw();
  if (!playing()) tell();
}
