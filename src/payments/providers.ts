import type { Context } from "../platform/context.ts";
import type { Provider, ProviderName } from "./provider.ts";
import { standard } from "./providers/standard.ts";
import { stripe } from "./providers/stripe.ts";

const PROVIDERS: Record<ProviderName, Provider> = { standard, stripe };

export const isProviderName = (name: string): name is ProviderName => Object.hasOwn(PROVIDERS, name);

/** A provider reads its secrets from the context of each call. Without them it opens no payment and trusts no webhook. */
export const providerOf = (_context: Context, name: ProviderName): Provider => PROVIDERS[name];
