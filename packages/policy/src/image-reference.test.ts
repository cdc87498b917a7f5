import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  familiar,
  formatImageReference,
  imageForms,
  isDigest,
  parseImageReference,
  type ImageReference,
} from "./image-reference.ts";

const sha256 = `sha256:${"ab".repeat(32)}`;
const sha512 = `sha512:${"0f".repeat(64)}`;

describe("parseImageReference", () => {
  const valid: [string, Omit<ImageReference, "original">][] = [
    ["nginx", { registry: "docker.io", repository: "library/nginx", tag: "latest" }],
    ["nginx:1.27", { registry: "docker.io", repository: "library/nginx", tag: "1.27" }],
    ["acme/app", { registry: "docker.io", repository: "acme/app", tag: "latest" }],
    ["docker.io/nginx", { registry: "docker.io", repository: "library/nginx", tag: "latest" }],
    ["index.docker.io/nginx", { registry: "docker.io", repository: "library/nginx", tag: "latest" }],
    ["docker.io/library/nginx", { registry: "docker.io", repository: "library/nginx", tag: "latest" }],
    ["localhost/app:1", { registry: "localhost", repository: "app", tag: "1" }],
    ["localhost:5000", { registry: "docker.io", repository: "library/localhost", tag: "5000" }],
    ["localhost:5000/app", { registry: "localhost:5000", repository: "app", tag: "latest" }],
    ["foo_bar.com:8080", { registry: "docker.io", repository: "library/foo_bar.com", tag: "8080" }],
    ["ghcr.io/a/b/c:x_Y.z-1", { registry: "ghcr.io", repository: "a/b/c", tag: "x_Y.z-1" }],
    [
      "10.0.0.1:5000/a__b/c--d.e_f",
      { registry: "10.0.0.1:5000", repository: "a__b/c--d.e_f", tag: "latest" },
    ],
    ["[2001:db8::1]:5000/app:v1", { registry: "[2001:db8::1]:5000", repository: "app", tag: "v1" }],
    ["[::1]/app", { registry: "[::1]", repository: "app", tag: "latest" }],
    ["xn--n3h.com/my-app:xn--n3h.com", { registry: "xn--n3h.com", repository: "my-app", tag: "xn--n3h.com" }],
    [`nginx@${sha256}`, { registry: "docker.io", repository: "library/nginx", digest: sha256 }],
    [`r.io/a:1@${sha512}`, { registry: "r.io", repository: "a", tag: "1", digest: sha512 }],
    // A bare host is one only because of its upper case; in lower case, its port makes it one.
    ["Foo/bar", { registry: "foo:443", repository: "bar", tag: "latest" }],
    ["FOO/bar", { registry: "foo:443", repository: "bar", tag: "latest" }],
    ["foo:443/bar", { registry: "foo:443", repository: "bar", tag: "latest" }],
    // 64 hexadecimal digits are an image ID only when they stand alone.
    [`${"a".repeat(64)}:1`, { registry: "docker.io", repository: `library/${"a".repeat(64)}`, tag: "1" }],
    // One registry, one spelling: a rule about it cannot be dodged by another.
    ["ACME.azurecr.io/app:1", { registry: "acme.azurecr.io", repository: "app", tag: "1" }],
    ["acme.azurecr.io:443/app:1", { registry: "acme.azurecr.io", repository: "app", tag: "1" }],
    ["acme.azurecr.io:0443/app:1", { registry: "acme.azurecr.io", repository: "app", tag: "1" }],
    ["[2001:DB8::1]:443/app:1", { registry: "[2001:db8::1]", repository: "app", tag: "1" }],
    ["Index.Docker.IO:443/nginx", { registry: "docker.io", repository: "library/nginx", tag: "latest" }],
    ["LOCALHOST/app:1", { registry: "localhost", repository: "app", tag: "1" }],
    // One registry has one spelling, whatever a rule about it could be evaded by.
    ["acme.azurecr.io:05000/app:1", { registry: "acme.azurecr.io:5000", repository: "app", tag: "1" }],
    ["localhost:05000/app:1", { registry: "localhost:5000", repository: "app", tag: "1" }],
    ["registry:0443/app:1", { registry: "registry:443", repository: "app", tag: "1" }],
    ["[2001:0DB8:0:0:0::1]:5000/app:1", { registry: "[2001:db8::1]:5000", repository: "app", tag: "1" }],
    ["[2001:db8:0:1:0:0:0:1]/app:1", { registry: "[2001:db8:0:1::1]", repository: "app", tag: "1" }],
    ["[0:0:0:0:0:0:0:1]:443/app:1", { registry: "[::1]:443", repository: "app", tag: "1" }],
    ["[1:0:0:2:10:0:0:3]/app:1", { registry: "[1::2:10:0:0:3]", repository: "app", tag: "1" }],
    ["[0:0::]/app:1", { registry: "[::]", repository: "app", tag: "1" }],
    ["[1:2:3]/app:1", { registry: "[1:2:3]", repository: "app", tag: "1" }],
    ["[1::2::3]/app:1", { registry: "[1::2::3]", repository: "app", tag: "1" }],
    [
      "registry-1.docker.io/library/nginx:1",
      { registry: "docker.io", repository: "library/nginx", tag: "1" },
    ],
    ["registry.hub.docker.com/acme/app:1", { registry: "docker.io", repository: "acme/app", tag: "1" }],
    ["localhost:443/app:1", { registry: "localhost:443", repository: "app", tag: "1" }],
    ["127.0.0.1:443/app:1", { registry: "127.0.0.1:443", repository: "app", tag: "1" }],
    ["registry:443/app:1", { registry: "registry:443", repository: "app", tag: "1" }],
    [`r.io/${"a".repeat(255)}:1`, { registry: "r.io", repository: "a".repeat(255), tag: "1" }],
    [`r.io/a:${"t".repeat(128)}`, { registry: "r.io", repository: "a", tag: "t".repeat(128) }],
  ];
  it.each(valid)("reads %s", (text, expected) => {
    expect(parseImageReference(text)).toEqual({ ok: true, reference: { ...expected, original: text } });
  });

  const path = (bad: string) =>
    `expected a repository name whose parts are lower-case letters and digits with single ".", "_", "__" or dashes between them, got "${bad}"`;
  const host = (bad: string) =>
    `expected a registry host (a DNS name, an IPv4 address or an IPv6 address in brackets), got "${bad}"`;
  const tag = (bad: string) =>
    `expected a tag of 1 to 128 letters, digits, "_", "." and "-" that starts with none of the last two, got "${bad}"`;
  const digest = (bad: string) =>
    `expected a digest, sha256: and 64 or sha512: and 128 lower-case hexadecimal digits, got "${bad}"`;
  const invalid: [string, string][] = [
    [":1", path("")],
    ["/nginx", path("")],
    ["nginx/", path("")],
    ["a//b", path("")],
    ["a/b ", path("b ")],
    ["a/-b", path("-b")],
    ["a/b_", path("b_")],
    ["a___b", path("a___b")],
    ["a..b", path("a..b")],
    ["a-_b", path("a-_b")],
    ["nginx\n", path("nginx\\n")],
    ["https://ghcr.io/a", `expected a port number after the registry host, got ""`],
    ["Nginx", `a repository name must be in lower case, got "Nginx"`],
    ["ghcr.io/Acme/app", `a repository name must be in lower case, got "Acme"`],
    ["a/B:1", `a repository name must be in lower case, got "B"`],
    ["my_host.io/app", host("my_host.io")],
    ["-a.io/app", host("-a.io")],
    ["a-.io/app", host("a-.io")],
    ["a..io/app", host("a..io")],
    [".io/app", host(".io")],
    ["[::1%25eth0]:5000/app", host("[::1%25eth0]:5000")],
    ["[]/app:1", path("[]")],
    ["[fe80::/app", host("[fe80::")],
    ["::1/app", host("::1")],
    ["r.io:/app", `expected a port number after the registry host, got ""`],
    ["r.io:65536/app", `expected a port number after the registry host, got "65536"`],
    ["r.io:5k/app", `expected a port number after the registry host, got "5k"`],
    ["nginx:", tag("")],
    ["nginx:-1", tag("-1")],
    ["nginx:a:b", tag("a:b")],
    ["r.io/a:1/b", tag("1/b")],
    ["nginx@", digest("")],
    ["nginx@sha256", digest("sha256")],
    ["nginx@sha256:abc", digest("sha256:abc")],
    ["nginx@constructor:abc", digest("constructor:abc")],
  ];
  it.each(invalid)("refuses %j", (text, problem) => {
    expect(parseImageReference(text)).toEqual({ ok: false, problem: `${JSON.stringify(text)}: ${problem}` });
  });

  it("refuses digests of another algorithm, length or case", () => {
    const hex = "ab".repeat(32);
    const bad = [
      `sha256:${hex.toUpperCase()}`,
      `sha256:${hex}a`,
      `SHA256:${hex}`,
      `sha384:${"ab".repeat(48)}`,
    ];
    bad.push(`sha512:${hex}`, `md5:${"ab".repeat(16)}`, ` ${sha256}`, `${sha256}@${sha256}`, `${sha256}/x`);
    expect(bad.filter((one) => isDigest(one))).toEqual([]);
    expect(bad.filter((one) => parseImageReference(`nginx@${one}`).ok)).toEqual([]);
    expect([sha256, sha512].map(isDigest)).toEqual([true, true]);
  });

  it("refuses the empty text, an image ID and what is too long", () => {
    expect(
      ["", "a".repeat(64), "x".repeat(5000), `r.io/${"a".repeat(256)}`].map(parseImageReference),
    ).toEqual([
      { ok: false, problem: "an image reference must not be empty" },
      {
        ok: false,
        problem: `"${"a".repeat(64)}" is 64 hexadecimal digits, an image ID; expected a repository, and an image ID as name@sha256:…`,
      },
      { ok: false, problem: "an image reference has at most 4096 characters, this one has 5000" },
      {
        ok: false,
        problem: `"r.io/${"a".repeat(115)}…": a repository name has at most 255 characters, this one has 256`,
      },
    ]);
    // `library/` counts.
    expect(["a".repeat(247), "a".repeat(248)].map((text) => parseImageReference(text).ok)).toEqual([
      true,
      false,
    ]);
    expect(parseImageReference(`nginx:${"t".repeat(129)}`).ok).toBe(false);
  });

  it("never lets a control character into a problem", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 40 }), (text) => {
        const parsed = parseImageReference(`${text}\n`);
        expect(parsed.ok).toBe(false);
        // eslint-disable-next-line no-control-regex -- control characters are what is looked for
        if (!parsed.ok) expect(parsed.problem).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/);
      }),
    );
  });
});

/** Texts that the grammar derives, part by part, and what each part must become. */
const chars = (set: string, min: number, max: number) =>
  fc.string({ unit: fc.constantFrom(...set.split("")), minLength: min, maxLength: max });
const lower = "abcxyz019";
const joined = (parts: fc.Arbitrary<string>, separators: string[]) =>
  fc
    .tuple(parts, fc.array(fc.tuple(fc.constantFrom(...separators), parts), { maxLength: 3 }))
    .map(([first, rest]) => first + rest.map(([separator, part]) => separator + part).join(""));
const component = joined(chars(lower, 1, 6), [".", "_", "__", "-", "---"]);
const pathOf = (min: number) =>
  fc.array(component, { minLength: min, maxLength: 4 }).map((all) => all.join("/"));
const label = fc
  .tuple(chars(lower, 1, 1), chars(`${lower}-`, 0, 6), chars(lower, 1, 1))
  .map((all) => all.join(""));
/** IPv6 addresses in brackets, in every spelling. */
const ipv6 = fc
  .ipV6()
  .filter((ip) => !ip.includes("."))
  .map((ip) => `[${ip}]`);
const shortest = (ip: string) => new URL(`http://${ip}`).hostname;
const port = fc.integer({ min: 1, max: 65535 }).filter((n) => n !== 443);
const registry = fc.oneof(
  fc.constant("localhost"),
  fc.tuple(label, label).map((all) => all.join(".")),
  fc.tuple(label, port).map((all) => all.join(":")),
  fc.tuple(ipv6, port).map(([ip, n]) => `${shortest(ip)}:${n}`),
);
const tag = fc.tuple(chars(`${lower}A_`, 1, 1), chars(`${lower}A_.-`, 0, 20)).map((all) => all.join(""));
const hex = "0123456789abcdef";
const digest = fc.oneof(
  chars(hex, 64, 64).map((text) => `sha256:${text}`),
  chars(hex, 128, 128).map((text) => `sha512:${text}`),
);
const reference = fc
  .record({ registry, repository: pathOf(1), tag, digest }, { requiredKeys: ["registry", "repository"] })
  .map((parts) =>
    parts.tag === undefined && parts.digest === undefined ? { ...parts, tag: "latest" } : parts,
  );

describe("the grammar", () => {
  it("accepts every reference that it derives, and the full form survives a round trip", () => {
    fc.assert(
      fc.property(reference, (parts) => {
        const text = formatImageReference(parts);
        expect(parseImageReference(text)).toEqual({ ok: true, reference: { ...parts, original: text } });
      }),
    );
  });

  it("has one spelling for an IPv6 address, that of URLs", () => {
    fc.assert(
      fc.property(ipv6, (ip) => {
        const parsed = parseImageReference(`${ip}:5000/app`);
        expect(parsed.ok && parsed.reference.registry).toBe(`${shortest(ip)}:5000`);
      }),
    );
  });

  it("puts names without a registry on Docker Hub", () => {
    const first = joined(chars(lower, 1, 6), ["_", "__", "-"]).filter((name) => name !== "localhost");
    fc.assert(
      fc.property(fc.tuple(first, component, tag), ([one, two, tag]) => {
        expect([parseImageReference(`${one}/${two}:${tag}`), parseImageReference(`${two}:${tag}`)]).toEqual([
          {
            ok: true,
            reference: {
              registry: "docker.io",
              repository: `${one}/${two}`,
              tag,
              original: `${one}/${two}:${tag}`,
            },
          },
          {
            ok: true,
            reference: {
              registry: "docker.io",
              repository: `library/${two}`,
              tag,
              original: `${two}:${tag}`,
            },
          },
        ]);
      }),
    );
  });

  it("agrees with the grammar written as one expression, on texts near it", () => {
    // The productions of distribution/reference, joined; host, path, tag, digest.
    const name = "[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?";
    const domain = `(?:${name}(?:\\.${name})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?`;
    const part = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*";
    const whole = new RegExp(
      `^${domain}/${part}(?:/${part})*(?::\\w[\\w.-]{0,127})?(?:@(?:sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128}))?$`,
    );
    const piece = fc.constantFrom(
      ..."aZ0.:/@_-[] ".split(""),
      "localhost",
      "docker.io",
      "::1",
      "__",
      sha256,
      sha512,
      "sha256:",
    );
    const near = fc.array(piece, { maxLength: 9 }).map((all) => all.join(""));
    fc.assert(
      fc.property(
        fc.oneof(
          near,
          near.map((text) => `r.io/${text}`),
        ),
        (text) => {
          const slash = text.indexOf("/");
          const first = text.slice(0, slash);
          const named = slash !== -1 && (first === "localhost" || /[.:A-Z]/.test(first));
          expect(parseImageReference(text).ok).toBe(whole.test(named ? text : `docker.io/${text}`));
        },
      ),
      { numRuns: 3000 },
    );
  });

  it("takes time in proportion to the text: hostile repetitions are answered, however long", () => {
    for (const unit of ["a", "-", "a-", "a.", "a_", "a/", ":", "[", "@", "a__", "0"])
      for (const head of ["", "r.io/", "r.io/a:", "r.io/a@sha256:"]) {
        const text = `${head}${unit.repeat(4000)}`.slice(0, 4095);
        expect(parseImageReference(`${text}!`).ok).toBe(false);
      }
  });
});

describe("familiar", () => {
  const of = (text: string) => {
    const parsed = parseImageReference(text);
    if (!parsed.ok) throw new Error(parsed.problem);
    return familiar(parsed.reference);
  };
  it("shortens Docker Hub only, and only where it reads back the same", () => {
    const texts = [
      "nginx",
      "docker.io/acme/app:1",
      "ghcr.io/a/b:1",
      "docker.io/localhost/app:1",
      "docker.io/a.b/c:1",
    ];
    texts.push("library/a/b:1");
    expect(texts.map(of)).toEqual([
      "nginx:latest",
      "acme/app:1",
      "ghcr.io/a/b:1",
      "docker.io/localhost/app:1",
      "docker.io/a.b/c:1",
      "library/a/b:1",
    ]);
  });
  it("always reads back as the same reference", () => {
    const anywhere = fc.oneof(
      reference,
      reference.map((parts) => ({ ...parts, registry: "docker.io" })),
    );
    fc.assert(
      fc.property(anywhere, (parts) => {
        const full = parseImageReference(formatImageReference(parts));
        if (!full.ok) throw new Error(full.problem);
        const { original: _, ...expected } = full.reference;
        const text = familiar(expected);
        expect(parseImageReference(text)).toEqual({ ok: true, reference: { ...expected, original: text } });
      }),
    );
  });
});

describe("imageForms", () => {
  const app = { registry: "r.io", repository: "a/b" };
  it("lists each form once", () => {
    expect(imageForms({ ...app, tag: "1" })).toEqual(["r.io/a/b", "r.io/a/b:1"]);
    expect(imageForms({ ...app, digest: sha256 }, sha256)).toEqual(["r.io/a/b", `r.io/a/b@${sha256}`]);
    expect(imageForms({ ...app, tag: "1" }, sha256)).toEqual([
      "r.io/a/b",
      "r.io/a/b:1",
      `r.io/a/b@${sha256}`,
      `r.io/a/b:1@${sha256}`,
    ]);
    expect(imageForms({ ...app, tag: "1", digest: sha512 }, sha256)).toEqual([
      "r.io/a/b",
      "r.io/a/b:1",
      `r.io/a/b@${sha512}`,
      `r.io/a/b:1@${sha512}`,
      `r.io/a/b@${sha256}`,
      `r.io/a/b:1@${sha256}`,
    ]);
  });
});
