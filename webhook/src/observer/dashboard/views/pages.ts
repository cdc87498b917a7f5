/** The content of each page, from its model. */
import type { AdmissionModel } from "../models/admission.ts";
import { actionFilters, type AdmissionsQuery } from "../models/admissions.ts";
import type { HealthModel } from "../models/health.ts";
import type { ImageModel } from "../models/image.ts";
import type { NowModel, NowQuery } from "../models/now.ts";
import { link } from "../links.ts";
import type { Table } from "../table.ts";
import { html, type Html } from "./html.ts";
import { cellHtml, tableHtml } from "./table.ts";

/** Now. */
export function nowHtml(model: NowModel, query: NowQuery, address: URL): Html {
  const { mode, denied, audited, admitted, unknown, workloads, runningDenied } = model;
  const chosen = [
    query.namespace === "" ? "" : `namespace ${query.namespace}`,
    query.rule === "" ? "" : `rule ${query.rule}`,
    query.cve === "" ? "" : query.cve,
  ].filter((part) => part !== "");
  return html`<h1>Now</h1>
    <p class="lead">
      ${
        mode === "deny"
          ? "What the gate makes of every workload, as if it were created again at this moment."
          : "The gate audits: nothing is denied. This is what mode deny would do."
      }
    </p>
    <div id="tiles" class="tiles" data-part>
      ${tile(denied, mode === "deny" ? "denied" : "would be denied", "deny")}
      ${tile(audited, "audited", "audit")} ${tile(admitted, "admitted", "allow")}
      ${unknown === 0 ? "" : tile(unknown, "not known yet", "quiet")}
      ${tile(workloads, "workloads in all", "")}
    </div>
    ${
      runningDenied === 0
        ? ""
        : html`<p class="hint">
            ${runningDenied} of them run something now that would not be admitted again, although their
            template would.
          </p>`
    }
    <div id="lists" data-part>
      <div class="columns">${tableHtml(model.namespaces, address)} ${tableHtml(model.rules, address)}</div>
      ${
        chosen.length === 0
          ? ""
          : html`<p class="chosen">Workloads of ${chosen.join(", ")} only. <a href="now">Show all</a></p>`
      }
      ${tableHtml(model.list, address)} ${tableHtml(model.cves, address)}
    </div>`;
}

function tile(count: number, label: string, tone: string): Html {
  return html`<p class="tile ${tone}"><strong>${count}</strong> ${label}</p>`;
}

/** Admissions. */
export function admissionsHtml(table: Table, query: AdmissionsQuery, address: URL): Html {
  const field = (name: "namespace" | "workload" | "image" | "cve" | "user", label: string) =>
    html`<label
      >${label} <input name="${name}" value="${query[name]}" autocomplete="off" spellcheck="false"
    /></label>`;
  return html`<h1>Admissions</h1>
    <form class="filters" method="get" action="admissions" role="search" aria-label="Filter admissions">
      <label
        >Action
        <select name="action">
          ${Object.entries(actionFilters).map(
            ([value, label]) =>
              html`<option value="${value}" ${value === query.action ? html`selected` : ""}>
                ${label}
              </option>`,
          )}
        </select></label
      >
      ${field("namespace", "Namespace")} ${field("workload", "Workload")} ${field("image", "Image")}
      ${field("cve", "CVE")} ${field("user", "User")}
      <button>Filter</button> <a href="admissions">Show all</a>
    </form>
    <div id="lists" data-part>${tableHtml(table, address)}</div>`;
}

/** One admission. */
export function admissionHtml(model: AdmissionModel, address: URL): Html {
  return html`<p class="up"><a href="admissions">All admissions</a></p>
    <h1>${model.title} <small>in ${model.namespace}</small></h1>
    <p class="verdict">${cellHtml(model.action)}</p>
    ${
      model.problems.length === 0
        ? ""
        : html`<section aria-labelledby="problems">
            <h2 id="problems">Why it could not be judged</h2>
            <ul>
              ${model.problems.map((problem) => html`<li>${problem}</li>`)}
            </ul>
          </section>`
    }
    ${[model.images, model.findings, model.exemptions, model.facts].map((table) => tableHtml(table, address))}`;
}

/** An image. */
export function imageHtml(model: ImageModel, address: URL): Html {
  return html`<h1 class="code">${model.reference}</h1>
    ${model.digest === undefined ? "" : html`<p class="code quiet">${model.digest}</p>`}
    <p class="verdict">${cellHtml(model.verdict)} for <strong>${model.owner}</strong></p>
    <p class="lead">
      <a href="${link("admissions", { image: model.reference })}">Admissions of this image</a>
    </p>
    <section aria-labelledby="changes">
      <h2 id="changes">What would change the verdict</h2>
      <ul>
        ${model.changes.map((line) => html`<li>${line}</li>`)}
      </ul>
    </section>
    ${[model.rules, model.exemptions, model.findings, model.reports, model.places].map((table) => tableHtml(table, address))}`;
}

/** Exemptions. */
export function exemptionsHtml(table: Table, address: URL): Html {
  return html`<h1>Exemptions</h1>
    <p class="lead">Who answers for each, when it ends, and whether any workload needs it.</p>
    ${tableHtml(table, address)}`;
}

/** Health. */
export function healthHtml(model: HealthModel, address: URL): Html {
  return html`<h1>Health</h1>
    <p class="lead">Whether what the gate goes by is there, fresh and valid for long enough.</p>
    ${[model.state, model.sources, model.certificates].map((table) => tableHtml(table, address))}`;
}

/** The sign-in form. `problem` is why the last attempt was refused, `next` the page to go on to. */
export function signInHtml(problem: string | undefined, next: string): Html {
  return html`<div class="signin">
    <h1>Sign in</h1>
    ${problem === undefined ? "" : html`<p class="problem" role="alert">${problem}</p>`}
    <form method="post" action="signin">
      <input type="hidden" name="next" value="${next}" />
      <label for="token">Token of a service account, for the audience <code>gatehouse</code></label>
      <input id="token" name="token" type="password" required autocomplete="off" spellcheck="false" />
      <button>Sign in</button>
    </form>
    <p>One is made by</p>
    <div class="scroll" role="group" aria-label="Command" tabindex="0">
      <pre><code>kubectl create token NAME -n NAMESPACE --audience gatehouse --duration 1h</code></pre>
    </div>
    <p>
      The service account needs the right to <code>get</code> <code>inventory.gatehouse.dev</code> and
      <code>events.gatehouse.dev</code>, everywhere or in a namespace; it then shows that much.
      <code>gatehouse dashboard</code> does all of this in one step.
    </p>
  </div>`;
}

/** A page that says why there is none. */
export function messageHtml(title: string, message: string): Html {
  return html`<h1>${title}</h1>
    <p>${message}</p>`;
}
