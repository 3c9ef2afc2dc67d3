import { existsSync } from "node:fs";
import { join, resolve } from "node:path";

/** What is taken of a checkout: its Worker, and its own commands. */
export interface Checkout {
  name: string;
  shop: typeof import("../shop.ts");
  adminApi: typeof import("../../../src/cli/admin-api.ts");
  restore: typeof import("../../../src/cli/restore-shop.ts");
  save: typeof import("../../../src/cli/save-shop.ts");
  backups: typeof import("../../../src/cli/backup-directory.ts");
}

/** @param directory of a checkout, with its packages installed */
export async function openCheckout(name: string, directory: string): Promise<Checkout> {
  if (!existsSync(join(directory, "node_modules"))) throw new Error(`npm ci was not run in ${directory}`);
  const file = (path: string) => join(resolve(directory), path);
  return {
    name,
    shop: await import(file("test/bench/shop.ts")),
    adminApi: await import(file("src/cli/admin-api.ts")),
    restore: await import(file("src/cli/restore-shop.ts")),
    save: await import(file("src/cli/save-shop.ts")),
    backups: await import(file("src/cli/backup-directory.ts")),
  };
}
