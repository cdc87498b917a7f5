/** Built-in roles of Azure. */
const roles = {
  acrPull: "7f951dda-4ed3-4680-a7ca-43fe172d538d",
  containerRegistryRepositoryReader: "b93aa761-3e63-49ed-ac28-beffa264f7ac",
  securityReader: "39bc4728-0917-49c7-9d2c-d95423bc2eb4",
} as const;

/**
 * The full id of a built-in role.
 *
 * @param subscription whose scope it is assigned in; absent for management groups
 */
export function roleDefinition(role: keyof typeof roles, subscription?: string): string {
  const scope = subscription === undefined ? "" : `/subscriptions/${subscription}`;
  return `${scope}/providers/Microsoft.Authorization/roleDefinitions/${roles[role]}`;
}
