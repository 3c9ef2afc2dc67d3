/** A throw-away Ed25519 key for tests: it signs nothing outside of them. */
export const TEST_PRIVATE_KEY = JSON.stringify({
  crv: "Ed25519",
  d: "x4ZyrrMdGGvsPBBNBi9qSCL6UEn_8Ojhpf4IWLWUp70",
  x: "rRMqUrPR42K_W3ZeRMqlzRG_--oLnUstIvIUu1LwBNU",
  kty: "OKP",
  kid: "test",
  alg: "EdDSA",
  use: "sig",
});
