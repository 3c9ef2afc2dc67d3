import { base, en, Faker } from "@faker-js/faker";
import type { CategoryPlan, ProductPlan, StorePlan } from "./fill-catalogue.ts";

/** In how many stores each product has stock, if there are so many. */
const STORES_PER_PRODUCT = 6;
/** The seed of chance: the same sizes give the same shop on every machine, with the same version of faker. */
const SEED = 20_261_101;

export interface SeedSize {
  products: number;
  stores: number;
  categories: number;
}

export interface SeedPlan {
  categories: CategoryPlan[];
  stores: StorePlan[];
  products: ProductPlan[];
}

/**
 * A shop with data from faker. Each item depends only on its own number and on the three sizes, so that the same command
 * run again changes nothing.
 */
export function planSeed(size: SeedSize, currency: string): SeedPlan {
  const categories = Array.from({ length: size.categories }, (_, index) => planCategory(index));
  const stores = Array.from({ length: size.stores }, (_, index) => planStore(index));
  const products = Array.from({ length: size.products }, (_, index) =>
    planProduct(index, categories, stores, currency),
  );
  return { categories, stores, products };
}

function planCategory(index: number): CategoryPlan {
  const faker = fakerFor("category", index);
  return {
    name: `${faker.commerce.department()} ${number(index, 2)}`,
    description: faker.company.catchPhrase(),
  };
}

function planStore(index: number): StorePlan {
  const faker = fakerFor("store", index);
  const city = faker.location.city();
  return {
    name: `${city} ${number(index, 2)}`,
    address: `${faker.location.streetAddress()}, ${city}`,
    country: faker.location.countryCode(),
    priority: index + 1,
  };
}

function planProduct(
  index: number,
  categories: CategoryPlan[],
  stores: StorePlan[],
  currency: string,
): ProductPlan {
  const faker = fakerFor("product", index);
  return {
    sku: `SEED-${number(index, 5)}`,
    title: faker.commerce.productName(),
    description: faker.commerce.productDescription(),
    category: at(categories, index).name,
    price: { amount: String(faker.number.int({ min: 1, max: 400 })), currency },
    attributes: { colour: faker.color.human(), material: faker.commerce.productMaterial() },
    stock: Array.from({ length: Math.min(STORES_PER_PRODUCT, stores.length) }, (_, turn) => ({
      store: at(stores, index * STORES_PER_PRODUCT + turn).name,
      quantity: faker.number.int({ min: 1, max: 200 }),
    })),
  };
}

const KINDS = { category: 1, store: 2, product: 3 };

function fakerFor(kind: keyof typeof KINDS, index: number): Faker {
  const faker = new Faker({ locale: [en, base] });
  faker.seed([SEED, KINDS[kind], index]);
  return faker;
}

const number = (index: number, digits: number): string => String(index + 1).padStart(digits, "0");

function at<T>(list: T[], index: number): T {
  const found = list[index % list.length];
  if (found === undefined) throw new Error("a seed needs one category and one store at least");
  return found;
}
