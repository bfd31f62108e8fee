// Open the contract's page in a browser at some widths: node look.mjs URL FOLDER CHROMIUM. Takes pictures for a person to
// look at, and fails where the page asks anybody but its own server, breaks its policy, or does not show what it should.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";

const [url, folder, executablePath] = process.argv.slice(2);
const SIZES = { phone: [390, 844], tablet: [900, 1100], desktop: [1600, 1000] };
const YOURS = {
  top: "#introduction",
  server: "#servers",
  request: "#operation-request-sendEnrolmentRequested",
  facts: "#operation-receive-receiveFacts",
};
const EVERYTHING = { told: "#operation-send-enrolmentTellsEnrolmentConfirmed" };
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"];
const wrong = [];

function watch(page, name) {
  page.on("request", (asked) => {
    if (!asked.url().startsWith(url) && !asked.url().startsWith("data:")) wrong.push(`${name} asks for ${asked.url()}`);
  });
  page.on("requestfailed", (asked) => wrong.push(`${name} does not get ${asked.url()}`));
  page.on("console", (said) => said.type() === "error" && wrong.push(`${name}: ${said.text()}`));
  page.on("pageerror", (error) => wrong.push(`${name}: ${error.message}`));
}

async function look(browser, name, [width, height], query, places) {
  const page = await browser.newPage({ viewport: { width, height } });
  watch(page, name);
  await page.goto(url + query);
  for (const [place, selector] of Object.entries(places)) {
    await page.waitForSelector(selector, { timeout: 60_000, state: "attached" });
    await page.evaluate((one) => document.querySelector(one).scrollIntoView(), selector);
    await page.screenshot({ path: join(folder, `${name}-${place}.png`) });
  }
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  if (wide > width) wrong.push(`${name} is ${wide} wide and has to be moved sideways`);
  await page.close();
}

mkdirSync(folder, { recursive: true });
const browser = await chromium.launch({ executablePath, args: FLAGS });
for (const [name, size] of Object.entries(SIZES)) await look(browser, name, size, "", YOURS);
await look(browser, "desktop", SIZES.desktop, "?everything", EVERYTHING);
await browser.close();
for (const line of wrong) console.error(line);
process.exitCode = wrong.length ? 1 : 0;
