// Drives the console in a headless Chromium, as an operator would.
//
//   node console.mjs http://127.0.0.1:9090 [--token TOKEN] [--shots FOLDER] [--poke COMMAND]
//
// Needs `playwright-core` beside it (package.json pins it) and /usr/bin/chromium (or CHROMIUM=…). The gateway behind the
// address has to have had some exchanges, of which one was refused. `--poke` is a shell command that makes one more.
// Without it, somebody else has to keep making them.
import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { chromium } from "playwright-core";

const [base, ...words] = process.argv.slice(2);
const option = (name) => (words.includes(name) ? words[words.indexOf(name) + 1] : undefined);
const [token, shots, poke] = [option("--token"), option("--shots"), option("--poke")];
if (!base) throw new Error("say which address");
if (shots) mkdirSync(shots, { recursive: true });

const wrong = [];
const check = (holds, what) => {
  console.log(`${holds ? "ok   " : "WRONG"} ${what}`);
  if (!holds) wrong.push(what);
};

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  headless: true,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
});

// A context in which everything that should not happen is noted.
const open = async (options) => {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const own = new URL(base).origin;
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && check(false, `console: ${message.text()}`));
  page.on("pageerror", (error) => check(false, `script: ${error.message}`));
  page.on("dialog", (dialog) => { check(false, `a dialog: ${dialog.message()}`); dialog.dismiss(); });
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.protocol !== "data:" && url.origin !== own) check(false, `asks ${request.url()}`);
  });
  return { context, page };
};

const logIn = async (page) => {
  await page.goto(base + "/");
  if (!token) return;
  check(page.url().includes("/login"), "without a session, the token is asked for");
  await page.fill("#token", "not the token");
  const [refused] = await Promise.all([page.waitForResponse((reply) => reply.request().method() === "POST"), page.click("form.login button")]);
  check(refused.status() === 401, "a wrong token is refused");
};
// A refused log-in is a 401, which the browser itself writes into its console: it is tried where nobody listens.
if (token) {
  const context = await browser.newContext();
  const page = await context.newPage();
  await logIn(page);
  await context.close();
}
const enter = async (page, path) => {
  await page.goto(base + path);
  if (token && page.url().includes("/login")) {
    await page.fill("#token", token);
    await page.click("form.login button");
    await page.waitForURL((url) => !url.pathname.startsWith("/login"));
  }
};

const { context, page } = await open({ viewport: { width: 1360, height: 900 } });
await enter(page, "/?window=1h");
check(page.url().endsWith("/?window=1h"), "logging in leads back");
await page.goto(base + "/");
const rows = page.locator(".exchanges tbody tr");
check((await rows.count()) > 0, "exchanges are listed");

// News.
const first = await rows.first().getAttribute("data-id");
const began = Date.now();
if (poke) spawn(poke, { shell: true, stdio: "ignore" });
const came = page.waitForFunction((old) => document.querySelector(".exchanges tbody tr").dataset.id !== old, first, { timeout: 8000 });
check(await came.then(() => true, () => false), `a new exchange appears by itself (${Date.now() - began} ms after it was made)`);
await page.keyboard.press("p");
check((await page.locator("#live-state").innerText()).includes("paused"), "p pauses");
await page.keyboard.press("p");

// Keyboard.
await page.goto(base + "/");
await page.keyboard.press("Tab");
check((await page.evaluate(() => document.activeElement.className)) === "skip", "the first tab stop skips to the content");
await page.keyboard.press("Enter");
check((await page.evaluate(() => document.activeElement.id)) === "main", "and does");
await page.keyboard.press("/");
check((await page.evaluate(() => document.activeElement.id)) === "filter", "/ goes to the filter");
await page.keyboard.press("Escape");
await page.keyboard.press("p");
await page.keyboard.press("j");
await page.keyboard.press("j");
await page.keyboard.press("k");
const at = await page.locator(".exchanges tbody tr.at").getAttribute("data-id");
check(at === (await rows.first().getAttribute("data-id")), "j, j, k is at the first exchange");
await Promise.all([page.waitForURL("**/exchanges/**"), page.keyboard.press("Enter")]);
check((await page.locator(".crumbs").innerText()).includes(at), "Enter opens it");

// Filters.
const count = async (path) => { await page.goto(base + path); return rows.count(); };
check((await count("/?team=nobody-has-this-name")) === 0, "a filter that nothing fits finds nothing");
check(await page.getByText("No exchange fits").isVisible(), "and says so");
await page.goto(base + "/");
await Promise.all([page.waitForURL((url) => url.search.includes("verdict=denied")), page.selectOption('select[name="verdict"]', "denied")]);
check(!page.url().includes("team="), "what is empty is not in the address");
const verdicts = await page.locator(".exchanges tbody tr").evaluateAll((all) => all.map((row) => row.dataset.verdict));
check(verdicts.length > 0 && verdicts.every((verdict) => verdict === "denied"), `only refused ones are left (${verdicts.length})`);
await page.locator(".chip").first().click();
check(!page.url().includes("verdict"), "a chip takes its filter away");

// One exchange.
await page.goto(base + "/?verdict=denied");
const denied = rows.first();
const rule = (await denied.locator(".rule.refused").first().innerText()).trim();
await denied.locator(".who").click();
await page.waitForURL("**/exchanges/**");
check((await page.locator("h1").innerText()).includes("denied"), "a click on a row opens it");
check((await page.locator(".reasons").innerText()).includes(rule.replace(/…$/, "")), "the rule that refused is named");
for (const part of [".timing", ".about", ".parts"]) check((await page.locator(part).count()) === 1, `it has ${part}`);

// Map.
await page.goto(base + "/map?window=24h");
check((await page.locator(".map .edge").count()) > 0, "the map has lines");
check((await page.locator("table.cards tbody tr").count()) >= (await page.locator(".map .edge").count()), "and a table that says as much");
check((await page.locator(".map .refused").count()) > 0, "what was blocked is drawn");
await page.locator(".map a").first().hover();
check((await page.locator(".map.picked .edge.picked").count()) > 0, "what belongs to a name stands out");
await page.mouse.move(0, 0);

// Every page, every look.
const id = at;
const pages = { live: "/", exchange: `/exchanges/${encodeURIComponent(id)}`, sessions: "/sessions", map: "/map?window=24h", teams: "/teams?window=1h", firewall: "/firewall?window=24h", policies: "/policies", servers: "/servers" };
const state = await context.storageState();
await context.close();
for (const [look, options] of Object.entries({
  light: { viewport: { width: 1360, height: 900 }, colorScheme: "light" },
  dark: { viewport: { width: 1360, height: 900 }, colorScheme: "dark" },
  phone: { viewport: { width: 360, height: 740 }, colorScheme: "light", hasTouch: true },
  "phone-dark": { viewport: { width: 390, height: 844 }, colorScheme: "dark" },
  tablet: { viewport: { width: 820, height: 1100 }, colorScheme: "light" },
  still: { viewport: { width: 1360, height: 900 }, reducedMotion: "reduce" },
  plain: { viewport: { width: 1360, height: 900 }, javaScriptEnabled: false },
})) {
  const { context, page } = await open({ ...options, storageState: state });
  for (const [name, path] of Object.entries(pages)) {
    const reply = await page.goto(base + path);
    check(reply.status() === 200, `${name}, ${look}: is there`);
    if (look === "plain") continue;
    const found = await page.evaluate(() => {
      const named = (element) => element.ariaLabel || element.textContent.trim() || element.title || element.labels?.length || element.type === "hidden";
      const bodies = getComputedStyle(document.body);
      return {
        wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
        h1: document.querySelectorAll("h1").length,
        nameless: Array.from(document.querySelectorAll("a, button, input, select, svg[role=img]")).filter((element) => !named(element) && !element.getAttribute("aria-label")).map((element) => element.outerHTML.slice(0, 80)),
        dark: bodies.backgroundColor.match(/\d+/g).slice(0, 3).every((part) => Number(part) < 64),
        ids: Array.from(document.querySelectorAll("[id]"), (element) => element.id).filter((id, at, all) => all.indexOf(id) !== at),
      };
    });
    check(found.wide <= 0, `${name}, ${look}: does not scroll sideways (${found.wide})`);
    check(found.h1 === 1, `${name}, ${look}: has one heading of the first order`);
    check(found.nameless.length === 0, `${name}, ${look}: everything has a name ${found.nameless.join(" ")}`);
    check(found.ids.length === 0, `${name}, ${look}: no id is there twice ${found.ids.join(" ")}`);
    check(found.dark === look.endsWith("dark"), `${name}, ${look}: has the ground that was asked for`);
    if (shots) await page.screenshot({ path: `${shots}/${name}-${look}.png` });
  }
  await context.close();
}
await browser.close();
console.log(wrong.length ? `\n${wrong.length} wrong:\n${wrong.join("\n")}` : "\nall as it should be");
process.exitCode = wrong.length ? 1 : 0;
