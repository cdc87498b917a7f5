/** What pages are shown with: style, script and icon, served from the observer itself. */
import { hash } from "node:crypto";

/** Style of all pages, light and dark by the reader's own setting. Every pair of colours has a contrast of 4.5 or more. */
export const style = `
:root{color-scheme:light dark;--bg:#f6f7f9;--card:#fff;--text:#1b2430;--quiet:#566273;--line:#dce1e8;--link:#0b57c4;
--head:#14233a;--headtext:#eef3fa;--headquiet:#b3c2d8;--deny:#a3123a;--denybg:#fdebef;--audit:#7a4a00;--auditbg:#fff3dc;
--allow:#0d6238;--allowbg:#e4f6ec;--focus:#0b57c4}
@media (prefers-color-scheme:dark){:root{--bg:#0f141b;--card:#171e28;--text:#e3e9f1;--quiet:#a0aec0;--line:#2b3543;--link:#86b8ff;
--head:#0a0f16;--headtext:#eef3fa;--headquiet:#a9b8cd;--deny:#ff9fb3;--denybg:#43141f;--audit:#ffd38a;--auditbg:#3c2c0b;
--allow:#8fe3b3;--allowbg:#0f3523;--focus:#86b8ff}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--text);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
a{color:var(--link)}a:hover{text-decoration-thickness:2px}
:focus-visible{outline:3px solid var(--focus);outline-offset:2px;border-radius:3px}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.skip{position:absolute;left:-999px}.skip:focus{left:8px;top:8px;background:var(--card);padding:8px 12px;z-index:9}
header{background:var(--head);color:var(--headtext);display:flex;flex-wrap:wrap;align-items:center;gap:4px 28px;padding:10px 24px}
header :focus-visible{outline-color:#fff}
.brand{display:flex;align-items:center;gap:8px;margin:0;font-size:17px}.cluster{color:var(--headquiet);font-size:14px}
header nav ul{display:flex;flex-wrap:wrap;gap:4px;list-style:none;margin:0;padding:0}
header nav a{display:block;color:var(--headtext);text-decoration:none;padding:6px 12px;border-radius:6px}
header nav a:hover{background:#ffffff1f}header nav a[aria-current]{background:#ffffff2e;font-weight:600}
.viewer{margin-left:auto;display:flex;flex-wrap:wrap;align-items:center;gap:4px 14px;font-size:14px;color:var(--headquiet)}
.viewer .quiet{color:var(--headquiet)}
header button{background:none;border:1px solid var(--headquiet);color:var(--headtext);padding:3px 10px}
main{max-width:1480px;margin:0 auto;padding:20px 24px 60px}main:focus{outline:none}
h1{font-size:26px;line-height:1.25;margin:8px 0 6px;overflow-wrap:anywhere}h1 small{font-weight:400;color:var(--quiet);font-size:18px}
h1.code{font-size:21px}h2{font-size:16px;margin:0}
.lead,.hint,.chosen{color:var(--quiet);margin:0 0 16px}
.code,code,pre{font-family:ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:.92em}
h1.code{font-size:21px}p.code{margin:0 0 8px;overflow-wrap:anywhere}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;margin:12px 0 20px}
.tile{margin:0;background:var(--card);border:1px solid var(--line);border-top:4px solid var(--line);border-radius:8px;padding:12px 16px;color:var(--quiet)}
.tile strong{display:block;font-size:30px;line-height:1.2;color:var(--text)}
.tile.deny{border-top-color:var(--deny)}.tile.deny strong{color:var(--deny)}
.tile.audit{border-top-color:var(--audit)}.tile.audit strong{color:var(--audit)}
.tile.allow{border-top-color:var(--allow)}.tile.allow strong{color:var(--allow)}
.columns{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(420px,100%),1fr));gap:0 18px;align-items:start}
section{background:var(--card);border:1px solid var(--line);border-radius:8px;margin:0 0 18px;padding:14px 16px}
section>ul{margin:8px 0 2px;padding-left:22px}
section.list{padding:0;overflow:hidden}.head{display:flex;flex-wrap:wrap;align-items:baseline;justify-content:space-between;gap:2px 16px;padding:12px 16px}
.count{color:var(--quiet);font-weight:400}.export{margin:0;display:flex;gap:12px;font-size:13px}
.empty{margin:0;padding:2px 16px 16px;color:var(--quiet)}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:8px 16px;border-top:1px solid var(--line)}
th{font-size:13px;font-weight:600;color:var(--quiet);white-space:nowrap;background:var(--bg)}
tbody tr:hover{background:color-mix(in srgb,var(--bg) 60%,transparent)}
td.number,th.number{text-align:right;font-variant-numeric:tabular-nums}td.short{white-space:nowrap}td.time{white-space:nowrap;font-variant-numeric:tabular-nums}
td.code{overflow-wrap:anywhere;min-width:170px}td.wide{min-width:190px}td{overflow-wrap:break-word;max-width:520px}.whole{white-space:nowrap}th.code{font:inherit;font-size:13px;font-weight:600}
small{color:var(--quiet);font-size:13px}td small{display:block}
.quiet{color:var(--quiet)}
.badge{display:inline-block;border-radius:5px;padding:1px 8px;font-weight:600;font-size:13.5px;white-space:nowrap}
.badge.deny{color:var(--deny);background:var(--denybg)}.badge.audit{color:var(--audit);background:var(--auditbg)}.badge.allow{color:var(--allow);background:var(--allowbg)}
td.number .badge{min-width:34px;text-align:center}td.number .badge [aria-hidden]{display:none}
.verdict{font-size:17px}.verdict .badge{font-size:17px;padding:3px 12px}
.filters{display:flex;flex-wrap:wrap;gap:10px 12px;align-items:end;margin:12px 0 18px}
label{display:block;font-size:13px;color:var(--quiet)}
input,select,button{font:inherit;color:var(--text);background:var(--card);border:1px solid #8592a3;border-radius:6px;padding:6px 10px}
.filters input,.filters select{display:block;width:165px}.filters select{width:auto}.filters a{padding:7px 0}
.filters input,.filters select,.filters button{height:38px}
button{cursor:pointer;font-weight:600}.filters button,.signin button{background:var(--link);border-color:var(--link);color:var(--card)}
.paging{display:flex;gap:16px;padding:10px 16px;border-top:1px solid var(--line)}
.pause{float:right;font-size:13px;padding:3px 10px;font-weight:400}
.signin{max-width:640px;margin:30px auto}.signin form{display:grid;gap:10px;margin:18px 0}.signin label{font-size:15px;color:var(--text)}
.signin button{justify-self:start;padding:8px 22px}.signin pre{background:var(--card);border:1px solid var(--line);border-radius:6px;padding:10px 14px;margin:0}
.problem{background:var(--denybg);color:var(--deny);border-radius:6px;padding:10px 14px;font-weight:600;overflow-wrap:anywhere}
@media (max-width:640px){
header{padding:10px 16px}main{padding:14px 12px 40px}.viewer{margin-left:0}
.filters label,.filters input,.filters select{width:100%}.tiles{grid-template-columns:1fr 1fr}
thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
table,tbody,tr,td{display:block}tr{border-top:1px solid var(--line);padding:8px 0}
td,td.number,td.time,td.short{border:0;padding:3px 16px;max-width:none;min-width:0;text-align:left;white-space:normal}
td.none{display:none}td::before{content:attr(data-label);display:block;font-size:12px;color:var(--quiet)}
.pause{float:none;display:block;margin:0 0 8px}
}
@media print{header nav,.export,.filters,.paging,.pause{display:none}}
`;

/**
 * News without a reload: the server says that something has changed, the page is fetched again as it stands, and its
 * parts that differ are replaced. Without it every page works, but stays as it was loaded.
 */
export const script = `
(() => {
  "use strict";
  const main = document.querySelector("main[data-live]");
  const news = document.getElementById("news");
  if (!main || !news || !window.EventSource) return;
  let paused = false, due = false, busy = false, last = 0;
  async function refresh() {
    if (paused || document.hidden) { due = true; return; }
    if (busy) { due = true; return; }
    busy = true; due = false; last = Date.now();
    try {
      const answer = await fetch(location.href, { cache: "no-store", headers: { accept: "text/html" } });
      if (answer.redirected || answer.status === 401 || answer.status === 403) { location.reload(); return; }
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      let changed = false;
      for (const part of document.querySelectorAll("[data-part]")) {
        const next = fresh.getElementById(part.id);
        if (!next || next.innerHTML === part.innerHTML) continue;
        const held = document.activeElement;
        const at = part.contains(held) ? held.getAttribute("href") : null;
        const scrolled = [...part.querySelectorAll(".scroll")].map((one) => one.scrollLeft);
        part.replaceChildren(...next.childNodes);
        part.querySelectorAll(".scroll").forEach((one, index) => { one.scrollLeft = scrolled[index] || 0; });
        if (at) for (const one of part.querySelectorAll("a")) if (one.getAttribute("href") === at) { one.focus(); break; }
        changed = true;
      }
      if (changed) news.textContent = "The page was updated at " + new Date().toLocaleTimeString() + ".";
    } catch { due = true; } finally {
      busy = false;
      if (due) schedule();
    }
  }
  let timer;
  function schedule() {
    clearTimeout(timer);
    timer = setTimeout(refresh, Math.max(100, last + 700 - Date.now()));
  }
  const source = new EventSource(main.dataset.live);
  source.addEventListener("changed", schedule);
  source.addEventListener("end", () => location.reload());
  document.addEventListener("visibilitychange", () => { if (!document.hidden && due) refresh(); });
  const button = document.createElement("button");
  button.type = "button"; button.className = "pause"; button.textContent = "Pause updates";
  button.addEventListener("click", () => {
    paused = !paused;
    button.textContent = paused ? "Resume updates" : "Pause updates";
    if (!paused && due) refresh();
  });
  main.prepend(button);
})();
`;

/** The mark in the head and on the tab. */
export const icon =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#2563eb"/>' +
  '<path d="M6 26V12l4-3 4 3h4l4-3 4 3v14h-6v-6a4 4 0 0 0-8 0v6z" fill="#fff"/></svg>';

/** Changes with style and script, so that they may be kept for long. */
export const assetVersion = hash("sha256", style + script, "hex").slice(0, 12);
