import { cellOf, type Cell, type Column, type Paging, type Table } from "../table.ts";
import { relink } from "../links.ts";
import { html, type Html } from "./html.ts";

/** Signs beside the colours, for those who do not see them. */
const signs = { deny: "✕", audit: "!", allow: "✓", quiet: "" } as const;

/** Words up to this length are not broken at their hyphens: ids of findings, names of rules. */
const wholeWord = 28;

/** Text whose short words stay whole. */
function textHtml(text: string | number): Html {
  const words = String(text).split(" ");
  if (!words.some(staysWhole)) return html`${text}`;
  return html`${words.map(
    (word, at) =>
      html`${at === 0 ? "" : " "}${staysWhole(word) ? html`<span class="whole">${word}</span>` : word}`,
  )}`;
}

function staysWhole(word: string): boolean {
  return word.length <= wholeWord && word.includes("-");
}

/** A reference or a digest, which may be broken before a part, a digest or a tag and, if it must, anywhere. */
function codeHtml(text: string | number): Html {
  const parts = String(text).split(/(?=[/@]|:[^:/@]{1,40}$)/);
  return html`${parts.map((part, at) => (at === 0 ? part : html`<wbr />${part}`))}`;
}

/** A cell's text, as a badge or a link where it is one. */
export function cellHtml(cell: Cell | string | number, kind?: Column["kind"]): Html {
  const { text, href, tone, note } = cellOf(cell);
  const shown = kind === "code" ? codeHtml(text) : textHtml(text);
  const inner =
    tone === undefined || tone === "quiet"
      ? html`${tone === "quiet" ? html`<span class="quiet">${shown}</span>` : shown}`
      : html`<span class="badge ${tone}"><span aria-hidden="true">${signs[tone]}</span> ${text}</span>`;
  return html`${href === undefined ? inner : html`<a href="${href}">${inner}</a>`}${
    note === undefined || note === "" ? "" : html` <small>${note}</small>`
  }`;
}

/** A table with its caption, export links and paging. `address` is the page's own. */
export function tableHtml(table: Table, address: URL): Html {
  const { name, caption, columns, rows, paging } = table;
  const exported = (format: string) => relink(address, { table: name, format, page: undefined });
  return html`<section class="list" aria-labelledby="${name}-caption">
    <div class="head">
      <h2 id="${name}-caption">
        ${caption}${paging === undefined ? "" : html` <span class="count">${paging.total}</span>`}
      </h2>
      <p class="export">
        <a href="${exported("csv")}" download>CSV<span class="hidden"> of ${caption}</span></a>
        <a href="${exported("json")}" download>JSON<span class="hidden"> of ${caption}</span></a>
      </p>
    </div>
    ${
      rows.length === 0
        ? html`<p class="empty">${table.empty}</p>`
        : html`<div class="scroll" role="group" aria-labelledby="${name}-caption" tabindex="0">
            <table role="table" aria-labelledby="${name}-caption">
              <thead role="rowgroup">
                <tr role="row">
                  ${columns.map(
                    ({ label, kind }) =>
                      html`<th role="columnheader" scope="col" class="${kind ?? ""}">${label}</th>`,
                  )}
                </tr>
              </thead>
              <tbody role="rowgroup">
                ${rows.map((row) => rowHtml(row, columns))}
              </tbody>
            </table>
          </div>`
    }
    ${paging === undefined || paging.pages === 1 ? "" : pagingHtml(paging, caption, address)}
  </section>`;
}

/** The roles are those that the elements have anyhow, but where a narrow screen sets them as blocks. */
function rowHtml(row: readonly (Cell | string | number)[], columns: readonly Column[]): Html {
  return html`<tr role="row">
    ${row.map((cell, at) => {
      const { kind = "", label = "" } = columns[at] ?? {};
      const { text, note = "" } = cellOf(cell);
      const empty = text === "" && note === "" ? " none" : "";
      return html`<td role="cell" class="${kind}${empty}" data-label="${label}">
        ${cellHtml(cell, columns[at]?.kind)}
      </td>`;
    })}
  </tr> `;
}

function pagingHtml({ page, pages, parameter }: Paging, caption: string, address: URL): Html {
  const to = (at: number, label: string) =>
    at < 1 || at > pages
      ? html`<span class="quiet">${label}</span>`
      : html`<a href="${relink(address, { [parameter]: at })}">${label}</a>`;
  return html`<nav class="paging" aria-label="Pages of ${caption}">
    ${to(page - 1, "Previous")} <span>Page ${page} of ${pages}</span> ${to(page + 1, "Next")}
  </nav>`;
}
