export interface BannerFacts {
  url: string;
  admin: { email: string; password: string } | null;
  /** Null when nothing is in stock. */
  orderCommand: string | null;
}

/** What somebody who just started a shop wants to know. */
export function banner({ url, admin, orderCommand }: BannerFacts): string {
  const lines = [
    "",
    `  API        ${url}/api/v1`,
    `  Reference  ${url}/docs`,
    `  OpenAPI    ${url}/openapi.json`,
    `  Health     ${url}/health`,
    `  Metrics    ${url}/metrics`,
    `  E-mails    ${url}/api/v1/emails   (as admin)`,
    "",
    ...(admin === null
      ? ["  No admin: set ADMIN_EMAIL and ADMIN_PASSWORD."]
      : [`  Admin      ${admin.email}   password ${admin.password}`]),
    "",
    ...(orderCommand === null
      ? ["  Nothing is in stock. `npm run seed` fills the catalogue."]
      : ["  Place an order:", "", `  ${orderCommand}`]),
    "",
  ];
  return lines.join("\n");
}
