import { html as template, raw } from "hono/html";

/** A piece of a page. Everything that comes from outside was escaped on its way in. */
export type Html = ReturnType<typeof raw>;

/** `html` of Hono for values that are all there already, so that no piece has to be waited for. */
export function html(strings: TemplateStringsArray, ...values: unknown[]): Html {
  return template(strings, ...values) as Html;
}
