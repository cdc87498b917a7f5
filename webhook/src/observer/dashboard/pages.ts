/** Each page: the right that it asks for, and how it is made of what the visitor may see. */
import { inSlices } from "../slices.ts";
import type { Background } from "../background.ts";
import type { EventStore } from "../events/event-store.ts";
import type { Right } from "../http/access.ts";
import { admissionModel } from "./models/admission.ts";
import { actionFilters, admissionsTable, type ActionFilter } from "./models/admissions.ts";
import { exemptionsTable } from "./models/exemptions.ts";
import { healthModel, type HealthFacts } from "./models/health.ts";
import { imageModel } from "./models/image.ts";
import { nowModel } from "./models/now.ts";
import type { Regime, Survey } from "./survey.ts";
import type { Table } from "./table.ts";
import type { Html } from "./views/html.ts";
import {
  admissionHtml,
  admissionsHtml,
  exemptionsHtml,
  healthHtml,
  imageHtml,
  nowHtml,
} from "./views/pages.ts";
import { eventsRight, inventoryRight, type Sight } from "./visitors.ts";

/** What pages are made from. */
export interface PageSources {
  readonly background: () => Background | undefined;
  readonly events: EventStore;
  readonly survey: Survey;
  readonly regime: () => Regime;
  readonly health: () => HealthFacts;
  readonly now: () => number;
}

/** A question for a page. */
export interface PageRequest {
  readonly address: URL;
  readonly sight: Sight;
  /** All rows, for an export. */
  readonly whole: boolean;
}

/** A page that was made, or why there is none. */
export type Page =
  | { readonly title: string; readonly content: Html; readonly tables: readonly Table[] }
  | { readonly status: 404 | 503; readonly title: string; readonly message: string };

/** How one page is made. */
export interface PageMaker {
  readonly right: Right;
  /** Whether it shows news without a reload. */
  readonly live: boolean;
  make(request: PageRequest): Page | Promise<Page>;
}

/** All pages, by path. */
export function pageMakers(sources: PageSources): Readonly<Record<string, PageMaker>> {
  const { survey, events, now } = sources;
  const visibleWorkloads = (sight: Sight) =>
    [...(sources.background()?.values() ?? [])].filter(({ subjects }) => sight.see(subjects.namespace));

  /** A page of the inventory, once it was read. */
  const ofInventory =
    (make: (request: PageRequest, background: Background) => Page | Promise<Page>) =>
    (request: PageRequest): Page | Promise<Page> => {
      const background = sources.background();
      const { notReady } = sources.health();
      if (background !== undefined && notReady === undefined) return make(request, background);
      return {
        status: 503,
        title: "Not ready",
        message: `The observer is not ready: ${notReady ?? "it is starting"}. Try again in a moment.`,
      };
    };

  return {
    now: {
      right: inventoryRight,
      live: true,
      make: ofInventory(async ({ address, sight, whole }) => {
        const text = reader(address);
        const query = {
          namespace: text("namespace"),
          rule: text("rule"),
          cve: text("cve"),
          page: pageNumber(address),
          whole,
        };
        const model = await inSlices(nowModel(visibleWorkloads(sight), survey, sources.regime().mode, query));
        return {
          title: "Now",
          content: nowHtml(model, query, address),
          tables: [model.namespaces, model.rules, model.cves, model.list],
        };
      }),
    },
    admissions: {
      right: eventsRight,
      live: true,
      async make({ address, sight, whole }) {
        const text = reader(address);
        const action = text("action");
        const query = {
          action: action in actionFilters ? (action as ActionFilter) : "",
          namespace: text("namespace"),
          workload: text("workload"),
          image: text("image"),
          cve: text("cve"),
          user: text("user"),
          page: pageNumber(address),
          whole,
        } as const;
        const table = await inSlices(admissionsTable(events.latest(), sight.see, query));
        return { title: "Admissions", content: admissionsHtml(table, query, address), tables: [table] };
      },
    },
    admission: {
      right: eventsRight,
      live: false,
      make({ address, sight }) {
        const key = reader(address)("key");
        const stored = events.find(key);
        const model =
          stored !== undefined && sight.see(stored.namespace) ? admissionModel(stored) : undefined;
        if (model === undefined)
          return {
            status: 404,
            title: "No such admission",
            message:
              "It is not among the latest, or not in a namespace that you may see. Standard output of the judges has all of them.",
          };
        return {
          title: model.title,
          content: admissionHtml(model, address),
          tables: [model.images, model.findings, model.exemptions, model.facts],
        };
      },
    },
    image: {
      right: inventoryRight,
      live: false,
      make: ofInventory(({ address, sight, whole }, background) => {
        const text = reader(address);
        const query = {
          reference: text("reference"),
          owner: text("owner"),
          page: pageNumber(address),
          whole,
        };
        const model = imageModel(visibleWorkloads(sight), background, sources.regime(), query, now());
        if (model === undefined)
          return {
            status: 404,
            title: "No such image",
            message: "No workload that you may see has this image now.",
          };
        return {
          title: model.reference,
          content: imageHtml(model, address),
          tables: [model.rules, model.exemptions, model.findings, model.reports, model.places],
        };
      }),
    },
    exemptions: {
      right: inventoryRight,
      live: false,
      make: ofInventory(async ({ address, sight }, background) => {
        const table = await inSlices(
          exemptionsTable(visibleWorkloads(sight), {
            survey,
            background,
            policy: sources.regime().policy,
            all: sight.all,
            now: now(),
          }),
        );
        return { title: "Exemptions", content: exemptionsHtml(table, address), tables: [table] };
      }),
    },
    health: {
      right: inventoryRight,
      live: false,
      make({ address, sight }) {
        const model = healthModel(sources.health(), visibleWorkloads(sight), sources.background(), {
          now: now(),
          all: sight.all,
        });
        return {
          title: "Health",
          content: healthHtml(model, address),
          tables: [model.state, model.sources, model.certificates],
        };
      },
    },
  };
}

/** Longest parameter that is looked at. Image references have at most 512 characters. */
const longestText = 600;

function reader(address: URL): (name: string) => string {
  return (name) => (address.searchParams.get(name) ?? "").trim().slice(0, longestText);
}

function pageNumber(address: URL): number {
  const text = address.searchParams.get("page") ?? "";
  return /^\d{1,6}$/.test(text) ? Number(text) : 1;
}
