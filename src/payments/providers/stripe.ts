import type { Provider } from "../provider.ts";

export const stripe: Provider = {
  open: async () => ({ kind: "unavailable", error: "not built yet" }),
  verify: async () => ({ kind: "bad_signature" }),
  refund: async () => ({ kind: "failed", error: "not built yet" }),
};
