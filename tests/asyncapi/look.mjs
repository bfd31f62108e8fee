// Open the contract's page in a browser at some widths: node look.mjs URL FOLDER CHROMIUM. Takes pictures for a person to
// look at, and fails where the page asks anybody but its own server, breaks its policy, or shows no operations.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";

const [url, folder, executablePath] = process.argv.slice(2);
const SIZES = { phone: [390, 844], tablet: [900, 1100], desktop: [1600, 1000] };
const PLACES = { top: "#introduction", server: "#servers", request: "#operation-request-sendEnrolmentRequested", facts: "#operation-receive-receiveFacts" };
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"];
const wrong = [];

async function look(browser, name, [width, height]) {
  const page = await browser.newPage({ viewport: { width, height } });
  page.on("request", (request) => request.url().startsWith(url) || request.url().startsWith("data:") || wrong.push(`${name} asks for ${request.url()}`));
  page.on("requestfailed", (request) => wrong.push(`${name} does not get ${request.url()}`));
  page.on("console", (message) => message.type() === "error" && wrong.push(`${name}: ${message.text()}`));
  page.on("pageerror", (error) => wrong.push(`${name}: ${error.message}`));
  await page.goto(url);
  await page.waitForSelector(PLACES.request, { timeout: 60_000, state: "attached" });
  for (const [place, selector] of Object.entries(PLACES)) {
    await page.evaluate((one) => document.querySelector(one).scrollIntoView(), selector);
    await page.screenshot({ path: join(folder, `${name}-${place}.png`) });
  }
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  if (wide > width) wrong.push(`${name} is ${wide} wide and has to be moved sideways`);
  await page.close();
}

mkdirSync(folder, { recursive: true });
const browser = await chromium.launch({ executablePath, args: FLAGS });
for (const [name, size] of Object.entries(SIZES)) await look(browser, name, size);
await browser.close();
for (const line of wrong) console.error(line);
process.exitCode = wrong.length ? 1 : 0;
