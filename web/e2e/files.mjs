// Files in the inbox of a real browser, against a demo whose customers and providers do what they are told: on a channel of
// every provider a customer's picture comes as a thumbnail, and a manager sends a picture, a voice note and a document, of
// which the provider has the bytes. Then an upload whose network is cut in the middle.
//
//   HUBBUB_URL         of `hubbub demo --control`, and HUBBUB_CONTROL, the address of its control
//   HUBBUB_EMAIL, HUBBUB_PASSWORD   of a manager
//   CHROMIUM           path of the browser, /usr/bin/chromium unless told
//   KINDS              those of a few channels, separated by commas, to try them alone
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { chromium } from "playwright-core";
import { startNetwork } from "../../tests/clients/proxy.mjs";
import { picture } from "./picture.mjs";

const need = (name) => process.env[name] ?? assert.fail(`${name} is not set; see the head of this file`);
const [url, control, email, password] = ["HUBBUB_URL", "HUBBUB_CONTROL", "HUBBUB_EMAIL", "HUBBUB_PASSWORD"].map(need);
const patience = 60_000;
/** Bytes a second, so that an upload takes as long as one sees. */
const uplink = 2 << 20;
/** Where a voice note is one, and not a sound. */
const ogg = ["telegram", "waha", "whatsapp-cloud"];
const kinds = process.env.KINDS?.split(",") ?? ["telegram", "waha", "whatsapp-cloud", "messenger", "instagram", "gmail"];

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"],
});
const complaints = [];
const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

async function open(at) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: "en-US", reducedMotion: "reduce", permissions: ["microphone"] });
  const page = await context.newPage();
  page.setDefaultTimeout(patience);
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (line) => line.type() === "error" && /Content Security Policy/.test(line.text()) && complaints.push(line.text()));
  await page.goto(at);
  await page.getByTestId("sign-in-email").fill(email);
  await page.getByTestId("sign-in-password").fill(password);
  await page.getByTestId("sign-in-submit").click();
  await page.getByTestId("nav").waitFor();
  await page.goto(`${at}/#/inbox/all`);
  await page.getByTestId("conversation-list").waitFor();
  const network = await context.newCDPSession(page);
  await network.send("Network.enable");
  await network.send("Network.emulateNetworkConditions", { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: uplink });
  return page;
}

async function told(path, body) {
  const json = { "content-type": "application/json" };
  const answer = await fetch(control + path, body ? { method: "POST", headers: json, body: JSON.stringify(body) } : {});
  assert.equal(answer.status, 200, `${path}: ${await answer.clone().text()}`);
  return answer.json();
}

/** Waits until a provider has what is looked for; gives it. */
async function arrived(kind, what, found) {
  const begun = performance.now();
  for (;;) {
    const { sent } = await told("/sent");
    const here = sent.filter((one) => one.kind === kind);
    const one = here.find(found);
    if (one) return one;
    assert.ok(performance.now() - begun < patience, `${kind} has no ${what}; it has ${JSON.stringify(here)}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

const step = async (name, work) => {
  const begun = performance.now();
  try {
    await work();
  } catch (error) {
    for (const page of browser.contexts().flatMap((context) => context.pages())) {
      const said = await page.locator("[data-testid=message], .composer").allInnerTexts();
      console.log(`at ${page.url()}:\n${said.join("\n").replaceAll(/\n+/g, "\n  ")}`);
    }
    throw error;
  }
  console.log(`${name} (${Math.round(performance.now() - begun)} ms)`);
};

/** The bytes that the server keeps of a message's file. */
async function fileOf(conversation, message) {
  const json = { "content-type": "application/json" };
  const signedIn = await fetch(`${url}/api/v1/session`, { method: "POST", headers: json, body: JSON.stringify({ email, password }) });
  const { access_token: token } = await signedIn.json();
  const get = (path) => fetch(`${url}/api/v1/${path}`, { headers: { authorization: `Bearer ${token}` } });
  const { messages } = await (await get(`conversations/${conversation}/messages`)).json();
  const found = messages.find((one) => one.id === message) ?? assert.fail(`no ${message} among ${messages.length} messages`);
  return Buffer.from(await (await get(`media/${found.attachments[0].id}`)).arrayBuffer());
}

/** Conversations by the kind of their channel. */
const conversations = {};

/** Opens the conversation with the customer of this name; gives its id. */
async function opens(page, name) {
  const row = page.getByTestId("conversation-row").filter({ hasText: name }).first();
  await row.click();
  await page.getByTestId("composer-input").waitFor();
  return row.getAttribute("data-conversation-id");
}

/** A progress bar that is seen, past its beginning and before its end, at least so far. */
const comes = (page, name, least = 0) => page.waitForFunction(([wanted, part]) => {
  const bar = document.querySelector("[data-testid=attach-file] progress");
  return bar?.getAttribute("aria-label") === wanted && bar.checkVisibility() && bar.value > part * bar.max && bar.value < bar.max;
}, [name, least]);

/** Attaches a file and sends it, with its progress seen if it is long; the provider has its bytes. */
async function sends(page, kind, file) {
  await page.getByTestId("attach-input").setInputFiles({ name: file.name, mimeType: file.mime, buffer: file.bytes });
  if (file.bytes.length > 1 << 20) await comes(page, file.name);
  await leaves(page);
  await arrived(kind, file.name, (one) => one.files.includes(sha256(file.bytes)));
}

/** Sends what is attached once it is whole; its message is in the timeline. */
async function leaves(page) {
  await page.locator("[data-testid=attach-file][data-state=ready]").waitFor();
  await page.getByTestId("composer-send").click();
  await page.getByTestId("attach-file").waitFor({ state: "detached" });
}

const page = await open(url);
for (const [number, kind] of kinds.entries()) {
  const name = `Casey of ${kind}`;
  const theirs = picture(1_600, 1_000);
  await step(`${kind}: a customer's picture comes as a thumbnail`, async () => {
    await told("/customers", { kind, number: 50 + number, name, text: "Do you have this one?" });
    conversations[kind] = await opens(page, name);
    await told("/customers", { kind, number: 50 + number, name, text: "It looks so", picture: theirs.toString("base64") });
    const shown = page.locator("[data-testid=message].in .picture img").first();
    await shown.waitFor();
    const [width, height] = await shown.evaluate(async (img) => {
      await img.decode();
      return [img.naturalWidth, img.naturalHeight];
    });
    assert.ok(width < 1_600 && Math.abs(width / height - 1.6) < 0.05, `${width} × ${height}`);
    await shown.click();
    await page.waitForFunction(() => document.querySelector("dialog.preview[open] img")?.naturalWidth === 1_600);
    await page.keyboard.press("Escape");
  });
  await step(`${kind}: a manager sends a picture, whose progress is seen`, async () => {
    await sends(page, kind, { name: "Lantern.png", mime: "image/png", bytes: picture(900, 700) });
    await page.locator("[data-testid=message].out .picture img").last().waitFor();
  });
  await step(`${kind}: a voice note from the microphone`, async () => {
    await page.getByTestId("record").click();
    await page.getByRole("timer").filter({ hasText: "0:02" }).waitFor();
    await page.getByTestId("record-stop").click();
    await leaves(page);
    const player = page.locator("[data-testid=message].out audio").last();
    await player.waitFor();
    const message = await player.evaluate((audio) => audio.closest("[data-testid=message]").dataset.messageId);
    const bytes = await fileOf(conversations[kind], message);
    const duration = await page.evaluate(async (text) => {
      const bytes = Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
      return (await new AudioContext().decodeAudioData(bytes.buffer)).duration;
    }, bytes.toString("base64"));
    assert.ok(duration > 1.5 && duration < 20, `${duration} s`);
    assert.equal(bytes.subarray(0, 4).toString("latin1") === "OggS", ogg.includes(kind), kind);
    await arrived(kind, "voice note", (one) => one.files.includes(sha256(bytes)));
  });
  await step(`${kind}: a document`, async () => {
    const bytes = Buffer.concat([Buffer.from("%PDF-1.7\n"), randomBytes(1_300_000), Buffer.from("\n%%EOF")]);
    await sends(page, kind, { name: "Offer.pdf", mime: "application/pdf", bytes });
    await page.locator("[data-testid=message].out a.file", { hasText: "Offer.pdf" }).last().waitFor();
  });
}
await step("files that are dropped on the thread and pasted into the text", async () => {
  const kind = kinds.at(-1);
  for (const way of ["drop", "paste"]) {
    const bytes = Buffer.concat([Buffer.from("%PDF-1.7\n"), randomBytes(3_000), Buffer.from("\n%%EOF")]);
    const handed = [`${way}.pdf`, bytes.toString("base64")];
    const transfer = await page.evaluateHandle(([name, text]) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0))], name, { type: "application/pdf" }));
      return transfer;
    }, handed);
    const field = page.getByTestId("composer-input");
    if (way === "drop") {
      await field.dispatchEvent("dragover", { dataTransfer: transfer });
      await page.locator(".attach-drop").waitFor();
      await field.dispatchEvent("drop", { dataTransfer: transfer });
      await page.locator(".attach-drop").waitFor({ state: "detached" });
    } else {
      await field.evaluate((input, clipboardData) => {
        input.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
      }, transfer);
    }
    await leaves(page);
    await arrived(kind, `${way}.pdf`, (one) => one.files.includes(sha256(bytes)));
  }
});
await page.context().close();

await step("an upload that the network cuts in the middle goes on where it stopped", async () => {
  const network = await startNetwork(Number(new URL(url).port));
  const page = await open(`http://127.0.0.1:${network.port}`);
  const [offsets, begun] = [[], []];
  page.on("request", (request) => {
    const offset = request.headers()["upload-offset"];
    if (offset !== undefined) offsets.push(Number(offset));
    if (request.method() === "POST" && request.url().endsWith("/api/v1/uploads")) begun.push(request.url());
  });
  await page.locator(`[data-conversation-id="${conversations[kinds[0]]}"]`).click();
  await page.getByTestId("composer-input").waitFor();
  const bytes = Buffer.concat([Buffer.from("%PDF-1.7\n"), randomBytes(8 << 20), Buffer.from("\n%%EOF")]);
  await page.getByTestId("attach-input").setInputFiles({ name: "Catalogue.pdf", mimeType: "application/pdf", buffer: bytes });
  await comes(page, "Catalogue.pdf", 0.3);
  network.cut();
  await page.locator("[data-testid=attach-file][data-state=waiting]").waitFor();
  const before = offsets.length;
  network.mend();
  await leaves(page);
  await arrived(kinds[0], "catalogue", (one) => one.files.includes(sha256(bytes)));
  assert.equal(begun.length, 1, "one upload, not another one");
  assert.ok(offsets.length > before && offsets.slice(before).every((offset) => offset > 0.3 * bytes.length), `${offsets}`);
  network.stop();
});

assert.deepEqual(complaints, []);
await browser.close();
