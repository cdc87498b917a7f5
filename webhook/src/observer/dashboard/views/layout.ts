import { html, type Html } from "./html.ts";

/** Pages that the head of every page leads to. */
export const pages = [
  { path: "now", label: "Now" },
  { path: "admissions", label: "Admissions" },
  { path: "exemptions", label: "Exemptions" },
  { path: "health", label: "Health" },
] as const;

/** What surrounds a page. */
export interface Frame {
  title: string;
  /** Path of the page that is shown, to mark it in the head. */
  current: string;
  cluster: string;
  /** Absent when nobody is signed in. */
  viewer?: {
    user: string;
    /** Present for those who signed in here, and can sign out. */
    csrf?: string;
    /** Whether they see all namespaces. */
    all: boolean;
  };
  /** Where the page hears of news; absent for pages that stay as they are. */
  live?: string | undefined;
  /** Version of script and style, for their addresses. */
  assets: string;
  content: Html;
}

/** A whole page. */
export function pageHtml({ title, current, cluster, viewer, live, assets, content }: Frame): Html {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title} · Gatehouse ${cluster}</title>
        <link rel="icon" href="icon.svg" type="image/svg+xml" />
        <link rel="stylesheet" href="style.css?v=${assets}" />
        ${live === undefined ? "" : html`<script defer src="live.js?v=${assets}"></script>`}
      </head>
      <body>
        <a class="skip" href="#content">To the content</a>
        <header>
          <p class="brand">
            <img src="icon.svg" width="28" height="28" alt="" /> <strong>Gatehouse</strong>
            <span class="cluster">${cluster}</span>
          </p>
          ${
            viewer === undefined
              ? ""
              : html`<nav aria-label="Pages">
                    <ul>
                      ${pages.map(
                        ({ path, label }) =>
                          html`<li>
                            <a href="${path}" ${path === current ? html`aria-current="page"` : ""}
                              >${label}</a
                            >
                          </li>`,
                      )}
                    </ul>
                  </nav>
                  <div class="viewer">
                    <span title="${viewer.user}"
                      ><span class="hidden">Signed in as </span>${shortUser(viewer.user)}</span
                    >
                    ${viewer.all ? "" : html`<span class="quiet">some namespaces</span>`}
                    ${
                      viewer.csrf === undefined
                        ? ""
                        : html`<form method="post" action="signout">
                            <input type="hidden" name="csrf" value="${viewer.csrf}" />
                            <button>Sign out</button>
                          </form>`
                    }
                  </div>`
          }
        </header>
        <main id="content" tabindex="-1" ${live === undefined ? "" : html`data-live="${live}"`}>
          ${content}
        </main>
        ${live === undefined ? "" : html`<p class="hidden" role="status" id="news"></p>`}
      </body>
    </html> `;
}

/** The last part of a service account's name; others as they are. */
function shortUser(user: string): string {
  const [, , namespace, name] = user.startsWith("system:serviceaccount:") ? user.split(":") : [];
  return name === undefined ? user : `${namespace ?? ""}/${name}`;
}
