import type { Check } from "./checks.ts";

/** How often an order made the step that each mail tells of, with the order as `o`. */
const STEPS: Record<string, string> = {
  order_shipped: "SELECT count(*) FROM shipments AS s WHERE s.order_id = o.id",
  order_cancelled:
    "SELECT count(*) FROM order_history AS h WHERE h.order_id = o.id AND h.to_status = 'cancelled' AND h.from_status <> 'cancelled'",
  order_expired:
    "SELECT count(*) FROM order_history AS h WHERE h.order_id = o.id AND h.to_status = 'expired' AND h.from_status <> 'expired'",
  order_refunded: "SELECT count(*) FROM events AS e WHERE e.object_id = o.id AND e.type = 'payment.refunded'",
};

interface Owed {
  id: string;
  template: string;
  steps: number;
  mails: number;
}

/** Whatever died when: for each step that the customer is told of there is one mail, sent or owed. */
export const MAILS: Check = {
  statements: Object.entries(STEPS).map(
    ([template, steps]) => `
      SELECT * FROM (SELECT o.id, '${template}' AS template, (${steps}) AS steps,
        (SELECT count(*) FROM work AS w WHERE w.object_id = o.id AND w.task = 'email'
           AND w.payload ->> 'template' = '${template}') AS mails
        FROM orders AS o) WHERE steps <> mails`,
  ),
  broken: (answers) =>
    (answers.flat() as Owed[]).map(
      ({ id, template, steps, mails }) => `${id}: ${steps} times ${template}, and ${mails} mails`,
    ),
};
