// What each provider wants to know, as the server's adapters take it. Another provider: its line here, its words in both
// languages.
export interface Credential {
  name: "token" | "api_base" | "base_url" | "api_key" | "session";
  isSecret: boolean;
  /** The server has a value of its own. */
  isOptional: boolean;
}

const of = (name: Credential["name"], isSecret = false, isOptional = false): Credential => ({ name, isSecret, isOptional });

const byKind: Record<string, Credential[]> = {
  telegram: [of("token", true), of("api_base", false, true)],
  waha: [of("base_url"), of("api_key", true), of("session", false, true)],
};

export const kinds = Object.keys(byKind);
export const credentialsOf = (kind: string): Credential[] => byKind[kind] ?? [];
