import * as pulumi from "@pulumi/pulumi";

/** A resource as it was registered. */
export interface Registered {
  readonly type: string;
  readonly name: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  /** Logical name of the parent; empty for none. */
  readonly parent: string;
  /** Logical names of what it explicitly waits for, as `type name` without the module. */
  readonly dependsOn: readonly string[];
  readonly ignoreChanges: readonly string[];
  /** Only where it is so: `pulumi destroy` refuses to touch it. */
  readonly protect?: true;
  /** Only where it is so: it stays when the stack goes. */
  readonly retainOnDelete?: true;
  /** Inputs that hold a secret somewhere. */
  readonly secrets: readonly string[];
}

/** How the SDK marks a secret in what it sends (`specialSigKey` and `specialSecretSig` of its rpc module). */
const signature = "4dabf18193072939515e22adb298388d";

/** Inputs without their marks, and the names of those that had one. */
function revealed(inputs: Record<string, unknown>): Pick<Registered, "inputs" | "secrets"> {
  const isSecret = (value: unknown): value is { value: unknown } =>
    typeof value === "object" && value !== null && signature in value && "value" in value;
  return {
    inputs: Object.fromEntries(
      Object.entries(inputs).map(([key, value]) => [key, isSecret(value) ? value.value : value]),
    ),
    secrets: Object.keys(inputs).filter((key) => isSecret(inputs[key])),
  };
}

/** What a provider adds to a resource of one type. */
export type Answer = (name: string, inputs: Readonly<Record<string, unknown>>) => Record<string, unknown>;

/** Types that a Gate may register; anything else throws. */
const known: Readonly<Record<string, Answer>> = {
  "pulumi:pulumi:Stack": () => ({}),
  "gatehouse:index:Gate": () => ({}),
  "pulumi:providers:kubernetes": () => ({}),
  "tls:index/privateKey:PrivateKey": (name) => ({ privateKeyPem: `key of ${name}` }),
  "tls:index/selfSignedCert:SelfSignedCert": (name) => ({
    certPem: `certificate of ${name}\n`,
    validityEndTime: "2036-01-01T00:00:00Z",
  }),
  ...Object.fromEntries(
    [
      "core/v1:Namespace",
      "core/v1:ServiceAccount",
      "core/v1:ConfigMap",
      "core/v1:Secret",
      "core/v1:Service",
      "apps/v1:Deployment",
      "rbac.authorization.k8s.io/v1:ClusterRole",
      "rbac.authorization.k8s.io/v1:ClusterRoleBinding",
      "rbac.authorization.k8s.io/v1:Role",
      "rbac.authorization.k8s.io/v1:RoleBinding",
      "policy/v1:PodDisruptionBudget",
      "networking.k8s.io/v1:NetworkPolicy",
      "scheduling.k8s.io/v1:PriorityClass",
      "admissionregistration.k8s.io/v1:ValidatingAdmissionPolicy",
      "admissionregistration.k8s.io/v1:ValidatingAdmissionPolicyBinding",
      "admissionregistration.k8s.io/v1:ValidatingWebhookConfiguration",
      "admissionregistration.k8s.io/v1:MutatingWebhookConfiguration",
    ].map((type) => [`kubernetes:${type}`, () => ({})]),
  ),
};

/** `Deployment gate-judge` for a resource. */
export function label(type: string, name: string): string {
  return `${type.slice(type.lastIndexOf(":") + 1)} ${name}`;
}

/**
 * Runs a program under the SDK's mocks and returns what it registered, in order. The cluster answers each creation
 * with the object as asked for, and with a generated name where it has none.
 *
 * @param options.preview runs it as `pulumi preview` does: outputs of providers are unknown
 * @param options.resources types that may be registered beside those of a Gate, and what their provider adds
 * @param options.calls functions of providers that may be called, by token; anything else throws
 */
export async function graphOf(
  program: (record: pulumi.ResourceTransformation) => unknown,
  options: {
    preview?: boolean;
    resources?: Readonly<Record<string, Answer>>;
    calls?: Readonly<Record<string, (args: Readonly<Record<string, unknown>>) => Record<string, unknown>>>;
  } = {},
): Promise<Registered[]> {
  const registered: { -readonly [Key in keyof Registered]: Registered[Key] }[] = [];
  const links = new Map<string, Omit<Registered, "type" | "name" | "inputs" | "secrets">>();
  await pulumi.runtime.setMocks(
    {
      newResource({ type, name, inputs }) {
        const state = known[type] ?? options.resources?.[type];
        if (state === undefined) throw new Error(`unexpected resource ${type} ${name}`);
        const link = links.get(label(type, name)) ?? { parent: "", dependsOn: [], ignoreChanges: [] };
        registered.push({ type, name, ...revealed(inputs as Record<string, unknown>), ...link });
        if (options.preview && !type.startsWith("gatehouse:") && type !== "pulumi:providers:kubernetes")
          return { id: undefined, state: named(inputs as Record<string, unknown>, undefined) };
        return {
          id: `${name}-id`,
          state: {
            ...named(inputs as Record<string, unknown>, `${name}-7f3a`),
            ...state(name, inputs as Record<string, unknown>),
          },
        };
      },
      call({ token, inputs }) {
        const answer = options.calls?.[token];
        if (answer === undefined) throw new Error(`unexpected call ${token}`);
        return answer(inputs as Record<string, unknown>);
      },
    },
    "gatehouse",
    "test",
    options.preview ?? false,
  );
  const record: pulumi.ResourceTransformation = ({ type, name, opts }) => {
    const wanted = (opts as pulumi.CustomResourceOptions).dependsOn;
    const dependsOn = (
      Array.isArray(wanted) ? wanted : wanted === undefined ? [] : [wanted]
    ) as pulumi.Resource[];
    links.set(label(type, name), {
      parent: opts.parent ? labelOf(opts.parent) : "",
      dependsOn: dependsOn.map(labelOf).sort(),
      ignoreChanges: opts.ignoreChanges ?? [],
      ...(opts.protect === true ? { protect: true as const } : {}),
      ...((opts as pulumi.CustomResourceOptions).retainOnDelete === true
        ? { retainOnDelete: true as const }
        : {}),
    });
    return undefined;
  };
  await pulumi.runtime.runInPulumiStack(async () => {
    await program(record);
    return {};
  });
  await new Promise<void>((resolve) => setImmediate(resolve));
  return registered;
}

function labelOf(resource: pulumi.Resource): string {
  const { __pulumiType, __name } = resource as unknown as { __pulumiType: string; __name: string };
  return label(__pulumiType, __name);
}

/** The object as asked for; its name generated where it has none and the cluster has answered. */
function named(inputs: Record<string, unknown>, generated: string | undefined): Record<string, unknown> {
  const metadata = inputs["metadata"] as Record<string, unknown> | undefined;
  if (metadata === undefined || "name" in metadata || generated === undefined) return inputs;
  return { ...inputs, metadata: { ...metadata, name: generated } };
}
