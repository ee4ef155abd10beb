// Visits pages of an unpacked SCORM package in an LMS's frame, in headless Chromium, and tells what the LMS was told.
//
// In (JSON on stdin): {root, version, chromium, visits: [{page, state, steps}]}; a step is one of
//   {check: selector}, {fill: [selector, text]}, {select: [selector, value]}, {click: selector}, {text: selector}, {wait: ms}
// Out (JSON on stdout): for each visit {cmi, texts, errors}.
import http from "node:http";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { chromium } from "playwright-core";

const require = createRequire(import.meta.url);
const dist = path.dirname(require.resolve("scorm-again/package.json")) + "/dist";
const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const job = JSON.parse(Buffer.concat(chunks).toString("utf8"));
const is2004 = job.version === "2004";
const script = is2004 ? "scorm2004.min.js" : "scorm12.min.js";
const kinds = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".png": "image/png", ".svg": "image/svg+xml", ".json": "application/json" };

const lms = (page) => `<!doctype html><title>LMS</title><script src="/-lms/${script}"></script>
<script>
  const settings = { logLevel: 4, autocommit: false, autoProgress: false };
  window.${is2004 ? "API_1484_11" : "API"} = new ${is2004 ? "Scorm2004API" : "Scorm12API"}(settings);
  const state = JSON.parse(sessionStorage.getItem("state") || "null");
  const api = window.${is2004 ? "API_1484_11" : "API"};
  if (state) api.loadFromJSON(state, "");
</script><iframe id="sco" src="/${page}" style="width:100%;height:1200px"></iframe>`;

const server = http.createServer(async (request, response) => {
  const url = new URL(request.url, "http://lms");
  try {
    if (url.pathname === "/-lms/frame") {
      response.writeHead(200, { "content-type": "text/html" });
      response.end(lms(url.searchParams.get("page")));
      return;
    }
    const name = decodeURIComponent(url.pathname);
    const file = name.startsWith("/-lms/") ? path.join(dist, path.basename(name)) : path.join(job.root, path.normalize(name));
    const body = await readFile(file);
    response.writeHead(200, { "content-type": kinds[path.extname(file)] || "application/octet-stream" });
    response.end(body);
  } catch {
    response.writeHead(404);
    response.end();
  }
});
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const base = `http://127.0.0.1:${server.address().port}`;
const profile = mkdtempSync(path.join(tmpdir(), "scorm-browser-"));
const browser = await chromium.launchPersistentContext(profile, {
  executablePath: job.chromium,
  headless: true,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
const results = [];
try {
  await browser.route("**/*", (route) => (route.request().url().startsWith(base) ? route.continue() : route.abort()));
  for (const visit of job.visits) {
    const tab = await browser.newPage();
    const errors = [];
    tab.on("pageerror", (error) => errors.push(String(error)));
    tab.on("console", (message) => {
      if (message.type() === "error" && !message.text().includes("ERR_FAILED")) errors.push(message.text());
    });
    await tab.addInitScript((state) => {
      if (state && window.top === window) sessionStorage.setItem("state", JSON.stringify(state));
    }, visit.state || null);
    await tab.goto(`${base}/-lms/frame?page=${encodeURIComponent(visit.page)}`);
    const sco = tab.frameLocator("#sco");
    await sco.locator("main").waitFor({ timeout: 10000 });
    const texts = [];
    for (const step of visit.steps || []) {
      if (step.check) await sco.locator(step.check).check();
      if (step.fill) await sco.locator(step.fill[0]).fill(step.fill[1]);
      if (step.select) await sco.locator(step.select[0]).selectOption(step.select[1]);
      if (step.click) await sco.locator(step.click).click();
      if (step.press) await sco.locator(step.press[0]).press(step.press[1]);
      if (step.text) texts.push(await sco.locator(step.text).innerText());
      if (step.value) texts.push(await sco.locator(step.value).inputValue());
      if (step.checked) texts.push(await sco.locator(step.checked).isChecked());
      if (step.disabled) texts.push(await sco.locator(step.disabled).isDisabled());
      if (step.wait) await tab.waitForTimeout(step.wait);
    }
    // The learner leaves: the frame goes elsewhere, as when an LMS opens the next SCO.
    await tab.evaluate(() => new Promise((done) => {
      const frame = document.getElementById("sco");
      frame.onload = () => done();
      frame.src = "about:blank";
    }));
    const cmi = await tab.evaluate(() => {
      const api = window.API || window.API_1484_11;
      return JSON.parse(JSON.stringify(api.cmi));
    });
    const count = await tab.evaluate(() => {
      const api = window.API || window.API_1484_11;
      return api.cmi.interactions.childArray.map((one) => JSON.parse(JSON.stringify(one)));
    });
    results.push({ cmi, interactions: count, texts, errors });
    await tab.close();
  }
} finally {
  await browser.close();
  server.close();
  rmSync(profile, { recursive: true, force: true });
}
process.stdout.write(JSON.stringify(results));
