// Looks at the console of a real gateway for what tests/console/console.mjs cannot know: exchanges that console.py made.
//
//   node browser.mjs BASE --facts FILE [--poke COMMAND] [--shots FOLDER]
//
// FILE is JSON: `hostile` (id of an exchange full of hostile words), `found` (id of one with findings), `label`, `blocked`
// (the tool that was), `words` (what must stand on the hostile page, as the console writes it).
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { chromium } from "playwright-core";

const [base, ...words] = process.argv.slice(2);
const option = (name) => (words.includes(name) ? words[words.indexOf(name) + 1] : undefined);
const facts = JSON.parse(readFileSync(option("--facts"), "utf8"));
const shots = option("--shots");
if (shots) mkdirSync(shots, { recursive: true });

let wrong = 0;
const check = (holds, what) => {
  console.log(`${holds ? "ok  " : "FAIL"} ${what}`);
  if (!holds) wrong += 1;
};

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  headless: true,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
});
const open = async (options) => {
  const page = await (await browser.newContext(options)).newPage();
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && check(false, `console: ${message.text()}`));
  page.on("pageerror", (error) => check(false, `script: ${error.message}`));
  page.on("dialog", (dialog) => { check(false, `a dialog: ${dialog.message()}`); dialog.dismiss(); });
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.protocol !== "data:" && url.origin !== new URL(base).origin) check(false, `asks ${request.url()}`);
  });
  return page;
};

const page = await open({ viewport: { width: 1360, height: 900 } });

// News, from the moment that the agent has its answer. A second is what a calm machine takes; this one may be busy.
await page.goto(base + "/");
const times = [];
for (let turn = 0; turn < 3; turn += 1) {
  const old = await page.locator(".exchanges tbody tr").first().getAttribute("data-id");
  const poke = spawn(option("--poke"), { shell: true, stdio: ["ignore", "pipe", "ignore"] });
  await new Promise((done) => poke.stdout.once("data", done));
  const began = Date.now();
  await page.waitForFunction((old) => document.querySelector(".exchanges tbody tr").dataset.id !== old, old, { timeout: 8000, polling: 20 });
  times.push(Date.now() - began);
}
const middle = times.sort((a, b) => a - b)[1];
check(middle <= 2500, `an exchange appears by itself (${times.join(", ")} ms after its answer)`);

// One exchange.
await page.goto(`${base}/exchanges/${facts.found}`);
const text = await page.locator("main").innerText();
check(text.includes(facts.label), "findings are named");
check((await page.locator(".parts mark").count()) > 0, "and marked in the words");
check(!text.includes(facts.secret), "what is masked stays masked");
for (const stage of ["read", "inspect", "policy", "upstream"]) check((await page.locator(`.timing rect.stage.${stage}`).count()) > 0, `its time has ${stage}`);

if (shots) await page.screenshot({ path: `${shots}/found.png`, fullPage: true });

// The map.
await page.goto(`${base}/map?window=24h`);
for (const kind of ["model", "tool"]) check((await page.locator(`.map .node.${kind}`).count()) > 0, `the map has a ${kind}`);
check((await page.locator(".map .node").filter({ hasText: "red-agent" }).count()) > 0, "and the agent");
const row = page.locator("table.cards tbody tr").filter({ hasText: facts.blocked });
check(Number(await row.locator('td[data-label="Blocked"]').first().innerText()) > 0, "what was blocked is told");
if (shots) await page.screenshot({ path: `${shots}/hostile-map.png` });

// Hostile words, wherever they may be shown.
await page.goto(`${base}/exchanges/${facts.hostile}`);
const told = await page.locator("main").innerText();
for (const word of facts.words) check(told.includes(word), `hostile words are written out: ${JSON.stringify(word)}`);
const everywhere = ["/", `/exchanges/${facts.hostile}`, "/map?window=24h", "/sessions", "/teams", "/firewall?window=24h", "/policies", "/servers", `/?model=${encodeURIComponent(facts.model)}`];
for (const [look, width] of [["wide", 1360], ["phone", 390]]) {
  const page = await open({ viewport: { width, height: 844 }, colorScheme: look === "phone" ? "dark" : "light" });
  for (const path of everywhere) {
    const reply = await page.goto(base + path);
    const broken = await page.evaluate(() => {
      const odd = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069]/;
      const found = [];
      if (window.broken) found.push("a script ran");
      if (document.querySelector("[data-broken], img[src=x], iframe, object, base, main script, main style")) found.push("markup came in");
      if (Array.from(document.querySelectorAll("*")).some((e) => Array.from(e.attributes).some((a) => /^on/.test(a.name)))) found.push("a handler came in");
      if (Array.from(document.links).some((link) => !["http:", "https:"].includes(link.protocol))) found.push("a link to a script came in");
      if (odd.test(document.documentElement.outerHTML)) found.push("a character that is unseen came in");
      const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
      if (wide > 0) found.push(`it scrolls sideways (${wide})`);
      return found;
    });
    check(reply.status() === 200 && broken.length === 0, `${path.slice(0, 40)}, ${look}: nothing breaks out ${broken.join("; ")}`);
    if (shots) await page.screenshot({ path: `${shots}/hostile-${everywhere.indexOf(path)}-${look}.png` });
  }
}
await browser.close();
process.exitCode = wrong ? 1 : 0;
