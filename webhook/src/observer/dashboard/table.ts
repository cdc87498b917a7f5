/** Every list of the dashboard as data, from which its HTML, CSV and JSON are made. */

/** How a cell is set off. Never by colour alone: its text says the same. */
export type Tone = "deny" | "audit" | "allow" | "quiet";

/** One cell. */
export interface Cell {
  readonly text: string | number;
  /** Where it leads, relative to the page. */
  readonly href?: string;
  readonly tone?: Tone;
  /** More of it, in small print; exported with the text. */
  readonly note?: string;
}

/** A column. */
export interface Column {
  /** Name of the field in JSON and of the column in CSV. */
  readonly key: string;
  readonly label: string;
  /** How it is set; `wide` ones are given room before others, `short` ones are not broken. */
  readonly kind?: "number" | "code" | "time" | "wide" | "short";
}

/** A table with its rows, or with one page of them. */
export interface Table {
  /** Name in the page's address and in file names. */
  readonly name: string;
  readonly caption: string;
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly (Cell | string | number)[])[];
  /** What stands there when there is no row. */
  readonly empty: string;
  readonly paging?: Paging;
}

/** Which of all rows a table has. */
export interface Paging {
  /** From 1 on. */
  readonly page: number;
  readonly pages: number;
  readonly total: number;
  /** Name of the address's parameter. */
  readonly parameter: string;
}

/** Rows of one page on screen. */
export const pageSize = 100;

/** One page of many, or all of them. A page beyond the last is the last. */
export function pageOf<T>(
  all: readonly T[],
  options: { page: number; whole: boolean; parameter: string },
): { shown: readonly T[]; paging?: Paging } {
  const { whole, parameter } = options;
  if (whole) return { shown: all };
  const pages = Math.max(1, Math.ceil(all.length / pageSize));
  const page = Math.min(Math.max(1, options.page), pages);
  return {
    shown: all.slice((page - 1) * pageSize, page * pageSize),
    paging: { page, pages, total: all.length, parameter },
  };
}

/** A cell in full. */
export function cellOf(cell: Cell | string | number): Cell {
  return typeof cell === "object" ? cell : { text: cell };
}

/** The rows as objects, for JSON. */
export function tableJson({ columns, rows }: Table): Record<string, string | number>[] {
  return rows.map((row) =>
    Object.fromEntries(columns.map(({ key }, at) => [key, exported(cellOf(row[at] ?? ""))])),
  );
}

/**
 * The table as CSV (RFC 4180). Text that a spreadsheet would take for a formula gets an apostrophe before it: names
 * and messages are chosen by whoever deploys.
 */
export function tableCsv({ columns, rows }: Table): string {
  const lines = [
    columns.map(({ key }) => field(key)),
    ...rows.map((row) => columns.map((_, at) => field(exported(cellOf(row[at] ?? ""))))),
  ];
  return lines.map((line) => `${line.join(",")}\r\n`).join("");
}

function exported({ text, note }: Cell): string | number {
  return note === undefined ? text : `${text} (${note})`;
}

function field(value: string | number): string {
  if (typeof value === "number") return String(value);
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
