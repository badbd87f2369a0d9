// Upturn's only script. The pages work without it; it adds news and keys.
"use strict";

// News: says how many tasks a reload would add. The list itself never moves under the cursor.
const news = document.querySelector("[data-news]");
if (news && window.EventSource) {
  const pauseMs = 2000;
  let timer = null;

  const ask = async () => {
    timer = null;
    let answer;
    try {
      answer = await fetch(news.dataset.news, { headers: { accept: "application/json" } });
      if (!answer.ok) return;
      answer = await answer.json();
    } catch {
      return; // The stream reconnects by itself and asks again.
    }
    if (!answer.count) {
      news.replaceChildren();
    } else if (news.textContent !== answer.text) {
      const link = document.createElement("a");
      link.href = news.dataset.here;
      link.className = "button";
      link.textContent = answer.text;
      news.replaceChildren(link);
    }
  };
  // A burst of changes is one question.
  const askSoon = () => { timer ??= setTimeout(ask, pauseMs); };

  // Browsers open few connections to a host, so only a tab that is looked at holds one.
  let stream = null;
  const follow = () => {
    if (document.hidden) {
      stream?.close();
      stream = null;
    } else if (!stream) {
      stream = new EventSource("/live");
      stream.addEventListener("open", askSoon);
      stream.addEventListener("tasks", askSoon);
    }
  };
  document.addEventListener("visibilitychange", follow);
  follow();
}

// Keys: j and k move through the list, ? shows the keys. Enter follows the link as ever.
const links = [...document.querySelectorAll(".row-link")];
const keys = document.getElementById("keys");
for (const opener of document.querySelectorAll("[data-opens=keys]")) {
  opener.hidden = false;
  opener.addEventListener("click", () => keys.showModal());
}

const isTyping = (target) =>
  target.isContentEditable || /^(?:input|textarea|select)$/i.test(target.tagName);

const move = (step) => {
  const current = links.indexOf(document.activeElement);
  const last = links.length - 1;
  const wanted = current === -1 ? (step > 0 ? 0 : last) : Math.min(Math.max(current + step, 0), last);
  links[wanted]?.focus();
  links[wanted]?.scrollIntoView({ block: "nearest" });
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
  if (isTyping(event.target) || document.querySelector("dialog[open]")) return;
  if (event.key === "j") move(1);
  else if (event.key === "k") move(-1);
  else if (event.key === "?" && keys) keys.showModal();
  else return;
  event.preventDefault();
});
