import { columnsOf, selectList } from "../platform/columns.ts";
import { payments } from "./tables.ts";

/** A `Payment`, for SQL over `payments AS p`. */
export const PAYMENT_COLUMNS = selectList(columnsOf(payments), "p");
