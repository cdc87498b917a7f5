// A program of somebody who has the packages from a registry: what a preview of it would register, by name.
import * as pulumi from "@pulumi/pulumi";
import { Gate } from "@gatehouse/gate";
import { definePolicy, deny, findings, states } from "@gatehouse/policy";

const names = [];
const newResource = ({ type, name, inputs }) => {
  names.push(`${type} ${name}`);
  // What the tls provider would add.
  const made = { privateKeyPem: "key", certPem: "certificate", validityEndTime: "2036-01-01T00:00:00Z" };
  return { id: name, state: { ...inputs, ...made } };
};
await pulumi.runtime.setMocks({ newResource, call: ({ inputs }) => inputs }, "shop", "test", false);

const rule = deny({
  description: "Criticals do not ship",
  when: findings({ minSeverity: "critical" }),
  onScan: states.strict,
});
const policy = definePolicy({ rules: { "no-criticals": rule } });
await pulumi.runtime.runInPulumiStack(
  async () => new Gate("gate", { policy, mode: "deny", cluster: { name: "shop" } }),
);
await pulumi.runtime.disconnect();
console.log(JSON.stringify(names.toSorted((a, b) => (a < b ? -1 : 1))));
