import { html as template } from "hono/html";
import type { HtmlEscapedString } from "hono/utils/html";

/** A piece of a page. Everything that comes from outside was escaped on its way in. */
export type Html = HtmlEscapedString;

/** `html` of Hono for values that are all there already, so that no piece has to be waited for. */
export function html(strings: TemplateStringsArray, ...values: unknown[]): Html {
  return template(strings, ...values) as Html;
}
