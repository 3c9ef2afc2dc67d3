/** What a role or an API key may be given. Each operation names the one that it needs. */
export const PERMISSIONS = {
  account: "One's own account, orders and carts",
  "catalog:read": "Archived products, and the history of each product",
  "catalog:write": "Products, categories and stores",
  "inventory:read": "Levels, movements and low stock",
  "inventory:write": "Adjust, transfer and reconcile stock",
  "orders:read": "Everybody's orders, with their history and the shop's notes",
  "orders:write": "Place without limits, change, cancel and fulfil everybody's orders",
  "payments:read": "What providers told, and what of it is set aside",
  "payments:write": "Give money back, and settle what was set aside",
  "reports:read": "Figures of orders and days",
  "audit:read": "Who of the shop's people and programs changed what",
  ops: "Tasks, dead letters, jobs, and whether the shop sells",
  mails: "The mails of a local shop",
  shop: "Stop and open the shop, and switch off jobs that it needs",
  backup: "Read and restore the whole shop",
  users: "All accounts and roles",
  keys: "All API keys",
} as const satisfies Record<string, string>;

export type Permission = keyof typeof PERMISSIONS;

/** What an operation asks for: a permission, or one of several, of which a refusal names the last. */
export type Needed = Permission | readonly [Permission, ...Permission[]];

/** What everybody has who is signed in, and no API key. */
export const OWN = "account" satisfies Permission;

export const PERMISSION_NAMES = Object.keys(PERMISSIONS) as Permission[];

/** Who may write something may read it. */
export const withReading = (given: readonly Permission[]): Permission[] =>
  PERMISSION_NAMES.filter(
    (name) => given.includes(name) || given.includes(name.replace(/:read$/, ":write") as Permission),
  );

const OF_ADMINS: Permission[] = ["mails", "shop", "backup", "users", "keys"];

/** What an API key may be given: nothing by which it could give itself more. */
export const KEY_SCOPES: Permission[] = PERMISSION_NAMES.filter(
  (name) => name !== OWN && !OF_ADMINS.includes(name),
);

/** The roles that every shop has, and that nobody changes. A shop's own are rows of `roles`. */
export const FIXED_ROLES: Readonly<Record<string, readonly Permission[]>> = {
  customer: [OWN],
  staff: PERMISSION_NAMES.filter((name) => !OF_ADMINS.includes(name)),
  admin: PERMISSION_NAMES,
};
