/**
 * Which command an image stands for.
 *
 * @module
 */
import type { Container } from "kubernetes-types/core/v1.d.ts";
import type { ImageCommand } from "../options.ts";

/** The first entry whose pattern matches the image reference, or undefined: then the container runs no process. */
export function commandFor(commands: readonly ImageCommand[], image: string): ImageCommand | undefined {
  return commands.find(({ image: pattern }) => {
    if (pattern.slice(0, -1).includes("*")) {
      throw new Error(`image pattern ${pattern}: expected "*" only as the last character`);
    }
    return pattern.endsWith("*") ? image.startsWith(pattern.slice(0, -1)) : image === pattern;
  });
}

/**
 * The arguments that a container runs with, by the rules of Kubernetes: `command` replaces ENTRYPOINT and CMD, `args`
 * replaces CMD; `$(NAME)` is replaced in both by the container's environment.
 */
export function argumentsOf(
  image: ImageCommand,
  container: Container,
  environment: Readonly<Record<string, string>>,
): string[] {
  const { command = [], args = [] } = container;
  const own = [...command, ...args].length > 0;
  const cmd = args.length > 0 || command.length > 0 ? args : (image.cmd ?? []);
  const argv = command.length > 0 ? [...command, ...args] : [...image.entrypoint, ...cmd];
  return own ? argv.map((argument) => expand(argument, environment)) : argv;
}

/** Replaces `$(NAME)` by its value; `$$(NAME)` gives `$(NAME)`, an unknown name stays as it is. */
export function expand(text: string, values: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\$\$|\$\(([^)]*)\)/gu, (match, name: string | undefined) => {
    if (match === "$$") return "$";
    return name !== undefined && Object.hasOwn(values, name) ? (values[name] ?? match) : match;
  });
}
