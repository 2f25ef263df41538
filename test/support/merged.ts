/** Lays mappings over each other, later ones win; lists and other values replace. */
export function merged<T extends object>(base: T, ...layers: readonly object[]): T {
  const result = { ...base } as Record<string, unknown>;
  for (const layer of layers) {
    for (const [key, value] of Object.entries(layer)) {
      const before = result[key];
      result[key] = isMapping(before) && isMapping(value) ? merged(before, value) : value;
    }
  }
  return result as T;
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
