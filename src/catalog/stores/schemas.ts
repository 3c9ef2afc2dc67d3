import { z } from "@hono/zod-openapi";
import { listSchema } from "../../platform/pagination.ts";

/** ISO 3166-1 alpha-2: the officially assigned codes. */
const CODES =
  "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ " +
  "CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO " +
  "FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE " +
  "JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO " +
  "MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW " +
  "PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM " +
  "TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW";

const countries = new Set(CODES.split(" "));

const isCountry = (code: string): boolean => countries.has(code);

const DEFAULT_PRIORITY = 100;

export const storeSchema = z
  .object({
    id: z.string().openapi({ example: "sto_01jcz4kq8rj2m5v0a7w9x3y6pd" }),
    name: z.string(),
    address: z.string(),
    country: z.string().openapi({ description: "ISO 3166-1 alpha-2", example: "NL" }),
    priority: z.int().openapi({ description: "Lower is preferred when Holdfast chooses the store" }),
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
    version: z.int(),
  })
  .openapi("Store");

export type Store = z.infer<typeof storeSchema>;

export const storeListSchema = listSchema(storeSchema, "StoreList");

const name = z.string().trim().min(1).max(200).openapi({ example: "Amsterdam" });
const address = z.string().trim().max(500).openapi({ example: "Damrak 1, Amsterdam" });
const country = z
  .string()
  .trim()
  .toUpperCase()
  .refine(isCountry, "is not an ISO 3166-1 alpha-2 code")
  .openapi({ description: "ISO 3166-1 alpha-2, in any case", example: "NL" });
const priority = z.int().min(0).max(1_000_000).openapi({ description: "Lower is preferred" });

export const newStoreSchema = z
  .object({ name, address: address.default(""), country, priority: priority.default(DEFAULT_PRIORITY) })
  .openapi("NewStore");

export type NewStore = z.infer<typeof newStoreSchema>;

export const storeChangeSchema = z
  .object({ name, address, country, priority })
  .partial()
  .openapi("StoreChange");

export type StoreChange = z.infer<typeof storeChangeSchema>;
