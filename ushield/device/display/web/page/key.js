"use strict";

const WORDS = {
  en: {
    confirm: "Confirm", cancel: "Cancel", up: "Page up", down: "Page down",
    pull: "Pull the key out", put: "Put the key in", lost: "no connection, trying again",
    rest: "The key is at rest.", out: "The key is out of the reader.",
    read: "Read all pages, then confirm or cancel.", decide: "Confirm or cancel?",
    seconds: (n) => `${n} s left`,
    ended: { confirm: "Confirmed.", cancel: "Cancelled.", "timed out": "The time is over.",
      gone: "Pulled out or reset: nothing was confirmed." },
    keyboard: "Keyboard: ↑ ↓ pages, Enter confirms, Esc cancels.",
    none: "No key with a display is in a reader.", other: "中文", language: "zh",
  },
  zh: {
    confirm: "确认", cancel: "取消", up: "上翻页", down: "下翻页",
    pull: "拔出U盾", put: "插入U盾", lost: "连接已断开，正在重试",
    rest: "等待操作。", out: "U盾已拔出。",
    read: "请阅读全部页面，然后确认或取消。", decide: "确认还是取消？",
    seconds: (n) => `剩余 ${n} 秒`,
    ended: { confirm: "已确认。", cancel: "已取消。", "timed out": "已超时。",
      gone: "已拔出或复位：没有确认任何内容。" },
    keyboard: "键盘：↑ ↓ 翻页，Enter 确认，Esc 取消。",
    none: "读卡器中没有带显示屏的U盾。", other: "English", language: "en",
  },
};

const byId = (id) => document.getElementById(id);
const drawn = new Map();
let words = navigator.language.startsWith("zh") ? WORDS.zh : WORDS.en;
let keys = [];
let line = null;

function connect() {
  line = new WebSocket(new URL("live", location.href.replace(/^http/, "ws")));
  line.onopen = () => say("");
  line.onmessage = (event) => {
    const told = JSON.parse(event.data);
    if (told.refused) {
      say(told.refused);
    } else {
      const now = performance.now();
      keys = told.keys.map((key) => ({ ...key, since: now }));
      say("");
      draw();
    }
  };
  line.onclose = () => {
    say(words.lost);
    setTimeout(connect, 1000);
  };
}

function say(text) {
  byId("connection").textContent = text;
}

function ask(request) {
  if (line.readyState === WebSocket.OPEN) line.send(JSON.stringify(request));
}

/* A press is for the screen that is drawn here, and for no other. */
function press(key, button) {
  ask({ do: "press", reader: key.reader, button, screen: key.screen.number });
}

function sectionOf(reader) {
  if (!drawn.has(reader)) {
    const section = byId("key").content.cloneNode(true).firstElementChild;
    const current = () => keys.find((key) => key.reader === reader);
    for (const button of section.querySelectorAll("[data-button]")) {
      button.onclick = () => press(current(), button.dataset.button);
      /* The mouse leaves the focus where it is: Enter goes on to mean Confirm. */
      button.onmousedown = (event) => event.preventDefault();
    }
    section.querySelector(".pull").onclick = () =>
      ask({ do: current().inside ? "remove" : "insert", reader });
    byId("keys").append(section);
    drawn.set(reader, section);
  }
  return drawn.get(reader);
}

function draw() {
  for (const [reader, section] of drawn) {
    if (!keys.some((key) => key.reader === reader)) {
      section.remove();
      drawn.delete(reader);
    }
  }
  keys.forEach(drawKey);
  document.documentElement.lang = words === WORDS.zh ? "zh" : "en";
  byId("language").textContent = words.other;
  byId("language").lang = words.language;
  byId("keyboard").textContent = keys.length ? words.keyboard : words.none;
}

function drawKey(key) {
  const section = sectionOf(key.reader);
  const screen = key.screen;
  section.querySelector("h2").textContent = key.reader;
  section.classList.toggle("outside", !key.inside);
  section.dataset.style = key.style;
  section.dataset.screen = screen.number;
  const picture = new DOMParser().parseFromString(key.picture, "image/svg+xml").documentElement;
  section.querySelector(".display").replaceChildren(document.importNode(picture, true));
  for (const button of section.querySelectorAll("[data-button]")) {
    const name = button.dataset.button;
    button.classList.toggle("useful", screen.waits_for.includes(name));
    button.title = words[name];
    button.setAttribute("aria-label", words[name]);
    const label = button.querySelector("b");
    if (label) label.textContent = words[name];
  }
  section.querySelector(".pull").textContent = key.inside ? words.pull : words.put;
  const spoken = section.querySelector(".spoken");
  const text = screen.lines.map((text) => text.replaceAll("␣", " ").trim()).join("\n");
  if (spoken.textContent !== text) spoken.textContent = text;
  drawTime(key);
}

function drawTime(key) {
  const screen = key.screen;
  const section = sectionOf(key.reader);
  const asks = screen.seconds_left !== null;
  const left = asks
    ? Math.max(0, screen.seconds_left - (performance.now() - key.since) / 1000) : 0;
  const longest = Number(section.dataset.longest || 0);
  section.dataset.longest = asks ? Math.max(longest, left) : 0;
  section.querySelector(".time i").style.width =
    asks ? `${(100 * left) / section.dataset.longest}%` : "0";
  section.querySelector(".state").textContent = stateOf(key, Math.ceil(left));
}

function stateOf(key, left) {
  const screen = key.screen;
  if (screen.seconds_left !== null) {
    const what = screen.waits_for.includes("confirm") ? words.decide : words.read;
    return `${what} ${words.seconds(left)}`;
  }
  const ended = words.ended[screen.ended_by] || "";
  return `${ended} ${key.inside ? words.rest : words.out}`;
}

const BY_KEYBOARD = {
  ArrowUp: "up", PageUp: "up", ArrowDown: "down", PageDown: "down",
  Enter: "confirm", Escape: "cancel",
};

document.addEventListener("keydown", (event) => {
  const asking = keys.filter((key) => key.screen.waits_for.length);
  const button = BY_KEYBOARD[event.key];
  const modified = event.ctrlKey || event.altKey || event.metaKey || event.shiftKey;
  const onButton = event.key === "Enter" && event.target instanceof HTMLButtonElement;
  if (!button || modified || event.repeat || onButton || asking.length !== 1) return;
  event.preventDefault();
  press(asking[0], button);
});

byId("language").onclick = () => {
  words = WORDS[words.language];
  draw();
};

setInterval(() => keys.forEach(drawTime), 250);
draw();
connect();
