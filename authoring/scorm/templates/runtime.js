/* The script of a page: it finds the LMS, keeps answers, grades, and reports. No dependencies.
   SCORM 1.2 RTE 3.3-3.4, SCORM 2004 4th Edition RTE 3.2-4.2. Without an LMS everything works, and nothing is kept. */
(function () {
  "use strict";
  var body = document.body;
  var is2004 = body.dataset.version === "2004";
  var mastery = body.dataset.mastery === "" ? null : Number(body.dataset.mastery) / 100;
  var problems = JSON.parse(decode(body.dataset.problems));
  var forms = Array.prototype.slice.call(document.querySelectorAll("form.problem"));
  var began = Date.now();
  var LIMIT = is2004 ? 64000 : 4096;

  function decode(text) {
    var bytes = atob(text), codes = new Uint8Array(bytes.length);
    for (var i = 0; i < bytes.length; i += 1) { codes[i] = bytes.charCodeAt(i); }
    return new TextDecoder("utf-8").decode(codes);
  }

  // --- the LMS

  function search(from, name) {
    var place = from, steps = 0;
    while (place && steps < 500) {
      try { if (place[name]) { return place[name]; } } catch (error) { return null; }
      if (place.parent === place) { break; }
      place = place.parent;
      steps += 1;
    }
    return null;
  }
  function find(name) {
    var found = search(window, name);
    try { if (!found && window.top.opener) { found = search(window.top.opener, name); } } catch (error) { /* another origin */ }
    return found;
  }
  var api = find(is2004 ? "API_1484_11" : "API");
  var names = is2004
    ? { begin: "Initialize", end: "Terminate", get: "GetValue", set: "SetValue", commit: "Commit" }
    : { begin: "LMSInitialize", end: "LMSFinish", get: "LMSGetValue", set: "LMSSetValue", commit: "LMSCommit" };
  var connected = false, ended = false;
  function call(name, first, second) {
    if (!api || ended) { return ""; }
    try { return String(second === undefined ? api[names[name]](first) : api[names[name]](first, second)); }
    catch (error) { console.warn("SCORM: " + names[name] + " failed: " + error); return ""; }
  }
  function get(element) { return connected ? call("get", element) : ""; }
  function set(element, value) { return connected ? call("set", element, String(value)) : ""; }

  if (api) { connected = call("begin", "") === "true"; }
  if (!connected) { console.info("SCORM: no LMS is around this page; nothing is recorded."); }

  // --- what is kept between two visits: for each problem its attempts, its answers, what was earned

  var state = forms.map(function () { return { n: 0, a: [], p: 0 }; });
  function restore() {
    var kept = get("cmi.suspend_data");
    if (!kept) { return; }
    try {
      JSON.parse(kept).forEach(function (one, number) { if (state[number] && one) { state[number] = one; } });
    } catch (error) { console.warn("SCORM: what was kept cannot be read"); }
  }
  function keep() {
    var text = JSON.stringify(state);
    if (text.length > LIMIT) {
      // Attempts and points are what counts; long answers are what can be typed again.
      text = JSON.stringify(state.map(function (one) { return { n: one.n, a: [], p: one.p }; }));
    }
    set("cmi.suspend_data", text);
  }

  // --- answers

  function inputs(form, question) { return form.querySelectorAll('[name="' + question.id + '"]'); }
  function answer(form, question) {
    var found = [];
    inputs(form, question).forEach(function (input) {
      if (input.type === "radio" || input.type === "checkbox") { if (input.checked) { found.push(input.value); } }
      else { found.push(input.value.trim()); }
    });
    return question.kind === "choices" ? found : (found[0] || "");
  }
  function put(form, question, value) {
    inputs(form, question).forEach(function (input) {
      if (input.type === "radio" || input.type === "checkbox") { input.checked = value.indexOf(input.value) >= 0; }
      else { input.value = value; }
    });
  }
  function isEmpty(question, value) { return question.kind !== "choices" && value === ""; }

  function number(text) {
    var plain = text.replace(/\u2212/g, "-").replace(/\s/g, "");
    if (/^[+-]?\d+,\d+$/.test(plain) && plain.indexOf(".") < 0) { plain = plain.replace(",", "."); }
    if (/%$/.test(plain)) { return Number(plain.slice(0, -1)) / 100; }
    return plain === "" ? NaN : Number(plain);
  }
  function inRange(value, range) {
    var parts = range.split(" "), low = Number(parts[0]), high = Number(parts[1]);
    // The last digits of a sum of decimals are no reason to be wrong.
    var room = 1e-12 * Math.max(Math.abs(low), Math.abs(high));
    return (parts[2] === "1" ? value > low : value >= low - room) && (parts[3] === "1" ? value < high : value <= high + room);
  }
  function sameText(question, given, right) {
    var fold = question.mode.indexOf("ci") >= 0;
    if (question.mode.indexOf("regexp") >= 0) {
      try { return new RegExp("^(?:" + right + ")$", fold ? "iu" : "u").test(given); }
      catch (error) { return new RegExp("^(?:" + right + ")$", fold ? "i" : "").test(given); }
    }
    return fold ? given.toLowerCase() === right.toLowerCase() : given === right;
  }
  /* The share of the points, from 0 to 1. */
  function grade(question, value) {
    if (question.kind === "choices") {
      var same = value.length === question.right.length && value.every(function (one) { return question.right.indexOf(one) >= 0; });
      return same ? 1 : 0;
    }
    if (question.kind === "choice" || question.kind === "option") {
      return question.right.indexOf(value) >= 0 ? 1 : (question.partial[value] || 0);
    }
    if (question.kind === "number") {
      var given = number(value);
      return !isNaN(given) && question.right.some(function (range) { return inRange(given, range); }) ? 1 : 0;
    }
    return question.right.some(function (right) { return sameText(question, value, right); }) ? 1 : 0;
  }
  function feedback(question, value, share) {
    var told = [], all = question.feedback;
    if (question.kind === "choices") {
      var letters = question.labels.map(function (label, at) { return value.indexOf(label[0]) >= 0 ? String.fromCharCode(65 + at) : ""; });
      var set = letters.filter(Boolean).join(" ");
      if (all[set]) { return all[set]; }
      question.labels.forEach(function (label) {
        var key = value.indexOf(label[0]) >= 0 ? label[0] : "!" + label[0];
        if (all[key]) { told.push(all[key]); }
      });
      return told.join("<br>");
    }
    return all[value] || all["=" + value] || (share === 1 && all.right) || "";
  }

  // --- what the LMS is told

  function letter(question, id) {
    for (var at = 0; at < question.labels.length; at += 1) { if (question.labels[at][0] === id) { return is2004 ? "choice_" + (at + 1) : "abcdefghijklmnopqrstuvwxyz0123456789".charAt(at); } }
    return "";
  }
  function pattern(question, value) {
    var list = question.kind === "choices" ? value : [value];
    if (question.labels.length) {
      return list.map(function (id) { return letter(question, id); }).filter(Boolean).join(is2004 ? "[,]" : ",");
    }
    if (question.kind === "number") { var given = number(value); return isNaN(given) ? "" : String(given); }
    return value.slice(0, 250);
  }
  function rightPattern(question) {
    if (question.labels.length) { return pattern(question, question.kind === "choices" ? question.right : question.right[0]); }
    if (question.kind === "number") {
      var parts = question.right[0].split(" ");
      return is2004 ? parts[0] + "[:]" + parts[1] : (parts[0] === parts[1] ? parts[0] : "");
    }
    return question.mode.indexOf("regexp") >= 0 ? "" : question.right[0].slice(0, 250);
  }
  function two(value) { return (value < 10 ? "0" : "") + value; }
  function span(milliseconds) {
    var seconds = Math.max(0, Math.round(milliseconds / 1000));
    if (is2004) { return "PT" + seconds + "S"; }
    var hours = Math.min(9999, Math.floor(seconds / 3600));
    return ("000" + hours).slice(-4) + ":" + two(Math.floor(seconds / 60) % 60) + ":" + two(seconds % 60);
  }
  function clock() {
    var now = new Date();
    var time = two(now.getHours()) + ":" + two(now.getMinutes()) + ":" + two(now.getSeconds());
    return is2004 ? now.getFullYear() + "-" + two(now.getMonth() + 1) + "-" + two(now.getDate()) + "T" + time : time;
  }
  function record(question, value, share) {
    var at = Number(get("cmi.interactions._count")) || 0, prefix = "cmi.interactions." + at + ".";
    var type = { choice: "choice", choices: "choice", option: "choice", number: "numeric", text: "fill-in" }[question.kind];
    set(prefix + "id", body.dataset.page + "." + question.id);
    set(prefix + "type", type);
    set(prefix + (is2004 ? "timestamp" : "time"), clock());
    var right = rightPattern(question);
    if (right) { set(prefix + "correct_responses.0.pattern", right); }
    set(prefix + "weighting", question.points);
    var response = pattern(question, value);
    if (response) { set(prefix + (is2004 ? "learner_response" : "student_response"), response); }
    set(prefix + "result", share === 1 ? "correct" : (is2004 ? "incorrect" : "wrong"));
    set(prefix + "latency", span(Date.now() - began));
  }

  function worth(at) {
    var problem = problems[at], points = problem.questions.reduce(function (sum, one) { return sum + one.points; }, 0);
    return problem.weight === null ? points : problem.weight;
  }
  function report() {
    var possible = 0, earned = 0, open = 0;
    problems.forEach(function (problem, at) {
      possible += worth(at);
      earned += state[at].p * worth(at);
      open += state[at].n === 0 ? 1 : 0;
    });
    var complete = open === 0, scaled = possible > 0 ? earned / possible : null;
    var percent = scaled === null ? null : Math.round(scaled * 10000) / 100;
    var passed = mastery === null || scaled === null ? null : scaled >= mastery - 1e-9;
    if (is2004) {
      if (scaled !== null) {
        set("cmi.score.scaled", Math.round(scaled * 10000) / 10000);
        set("cmi.score.raw", percent); set("cmi.score.min", 0); set("cmi.score.max", 100);
      }
      set("cmi.completion_status", complete ? "completed" : "incomplete");
      if (complete) { set("cmi.success_status", passed === null ? (scaled === null ? "passed" : "unknown") : (passed ? "passed" : "failed")); }
    } else {
      if (scaled !== null) { set("cmi.core.score.raw", percent); set("cmi.core.score.min", 0); set("cmi.core.score.max", 100); }
      set("cmi.core.lesson_status", !complete ? "incomplete" : (passed === null ? "completed" : (passed ? "passed" : "failed")));
    }
    keep();
    call("commit", "");
  }

  // --- the page

  function show(form, at) {
    var problem = problems[at], own = state[at];
    var right = own.n > 0 && own.p >= 1 - 1e-9;
    var left = problem.attempts === null ? null : Math.max(0, problem.attempts - own.n);
    var button = form.querySelector("button[type=submit]");
    button.disabled = left === 0 || right;
    form.querySelector(".attempts").textContent = left === null || right ? "" : left + (left === 1 ? " attempt left" : " attempts left");
    if (own.n === 0) { return; }
    problem.questions.forEach(function (question, index) {
      var value = own.a[index];
      if (value === undefined) { return; }
      var share = grade(question, value), place = form.querySelector('[data-question="' + question.id + '"]');
      place.classList.toggle("right", share === 1);
      place.classList.toggle("wrong", share < 1);
      place.querySelector(".feedback").innerHTML = (share === 1 ? "Correct. " : (share > 0 ? "Partially correct. " : "Incorrect. ")) + feedback(question, value, share);
    });
    var result = form.querySelector(".result");
    result.className = "result " + (right ? "right" : "wrong");
    var points = Math.round(own.p * worth(at) * 100) / 100, all = worth(at);
    result.textContent = points + " of " + all + (all === 1 ? " point" : " points");
    var solution = form.querySelector(".solution");
    if (problem.solution && (right || left === 0)) { solution.innerHTML = problem.solution; solution.hidden = false; }
  }
  function submit(form, at) {
    var problem = problems[at], own = state[at], values = problem.questions.map(function (question) { return answer(form, question); });
    var empty = problem.questions.some(function (question, index) { return isEmpty(question, values[index]); });
    if (empty) {
      var result = form.querySelector(".result");
      result.className = "result";
      result.textContent = "Answer every question first.";
      return;
    }
    var possible = 0, earned = 0;
    problem.questions.forEach(function (question, index) {
      var share = grade(question, values[index]);
      possible += question.points;
      earned += share * question.points;
      record(question, values[index], share);
    });
    own.n += 1;
    own.a = values;
    own.p = possible > 0 ? earned / possible : 0;
    show(form, at);
    report();
  }
  forms.forEach(function (form, at) {
    form.addEventListener("submit", function (event) { event.preventDefault(); submit(form, at); });
    var hints = problems[at].hints, shown = 0, button = form.querySelector("button.hint");
    if (hints.length) {
      button.hidden = false;
      button.addEventListener("click", function () {
        var hint = document.createElement("div");
        hint.innerHTML = hints[shown % hints.length];
        form.querySelector(".hints").appendChild(hint);
        shown += 1;
        button.hidden = shown >= hints.length;
      });
    }
  });

  restore();
  forms.forEach(function (form, at) {
    problems[at].questions.forEach(function (question, index) {
      if (state[at].a[index] !== undefined) { put(form, question, state[at].a[index]); }
    });
    show(form, at);
  });
  if (is2004) { if (get("cmi.completion_status") !== "completed") { report(); } }
  else if (["", "not attempted", "incomplete", "unknown", "browsed"].indexOf(get("cmi.core.lesson_status")) >= 0) { report(); }

  function leave() {
    if (!connected || ended) { return; }
    set(is2004 ? "cmi.session_time" : "cmi.core.session_time", span(Date.now() - began));
    set(is2004 ? "cmi.exit" : "cmi.core.exit", "suspend");
    keep();
    call("commit", "");
    call("end", "");
    ended = true;
  }
  window.addEventListener("pagehide", leave);
  window.addEventListener("beforeunload", leave);
}());
