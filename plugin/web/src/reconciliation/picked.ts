/** Which images of a study somebody has picked: whole series, and single images of others. Pure. */
export interface Picked {
  series: ReadonlySet<string>;
  instances: ReadonlyMap<string, ReadonlySet<string>>;
}

export const NOTHING_PICKED: Picked = { series: new Set(), instances: new Map() };

export function withSeries({ series, instances }: Picked, uid: string, isPicked: boolean): Picked {
  const next = new Set(series);
  if (isPicked) next.add(uid);
  else next.delete(uid);
  const others = new Map(instances);
  others.delete(uid);
  return { series: next, instances: others };
}

/** All images of a series picked one by one are the series; `all` are those it has. */
export function withImage(picked: Picked, uid: string, image: string, isPicked: boolean, all: readonly string[]): Picked {
  const before = picked.series.has(uid) ? new Set(all) : new Set(picked.instances.get(uid));
  if (isPicked) before.add(image);
  else before.delete(image);
  const cleared = withSeries(picked, uid, before.size === all.length);
  if (before.size === 0 || before.size === all.length) return cleared;
  return { ...cleared, instances: new Map(cleared.instances).set(uid, before) };
}

export function isPicked({ series, instances }: Picked, uid: string, image: string): boolean {
  return series.has(uid) || (instances.get(uid)?.has(image) ?? false);
}

/** How many images that are; `sizes` says how many each series has. */
export function countOf({ series, instances }: Picked, sizes: ReadonlyMap<string, number>): number {
  const whole = [...series].reduce((sum, uid) => sum + (sizes.get(uid) ?? 0), 0);
  return [...instances.values()].reduce((sum, images) => sum + images.size, whole);
}

export function asWish({ series, instances }: Picked): { series: string[]; instances: string[] } {
  return { series: [...series].sort(), instances: [...instances.values()].flatMap((images) => [...images]).sort() };
}
