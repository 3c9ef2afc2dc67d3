/** The tests' own, and one that takes over from it: 32 bytes each. */
export const TEST_WEBHOOK_SECRET = `whsec_${btoa("0123456789abcdef0123456789abcdef")}`;
export const NEXT_WEBHOOK_SECRET = `whsec_${btoa("fedcba9876543210fedcba9876543210")}`;
