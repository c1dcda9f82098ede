// The plane of the map: what is where on the screen. Positions on the map are between -1 and 1.

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A view of the map: the position at the centre of the screen, and pixels for one unit of the map. */
export interface Camera extends Point {
  readonly scale: number;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

const MARGIN = 0.85;
const LEAST_ZOOM = 0.5;
const MOST_ZOOM = 60;

/** The view of the whole map; of the part with `points`, if some are given. */
export function whole({ width, height }: Size, points: readonly Point[] = []): Camera {
  const [left, right] = extent(points.map(({ x }) => x));
  const [bottom, top] = extent(points.map(({ y }) => y));
  return {
    x: (left + right) / 2,
    y: (bottom + top) / 2,
    scale: MARGIN * Math.min(width / (right - left), height / (top - bottom)),
  };
}

function extent(values: readonly number[]): [number, number] {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return most > least ? [least, most] : [-1, 1];
}

export const toScreen = (camera: Camera, { width, height }: Size, { x, y }: Point): Point => ({
  x: width / 2 + (x - camera.x) * camera.scale,
  y: height / 2 - (y - camera.y) * camera.scale,
});

export const toMap = (camera: Camera, { width, height }: Size, { x, y }: Point): Point => ({
  x: camera.x + (x - width / 2) / camera.scale,
  y: camera.y - (y - height / 2) / camera.scale,
});

/** The view after zooming by a factor; the position under `at`, a point of the screen, stays there. */
export function zoomed(camera: Camera, size: Size, factor: number, at: Point): Camera {
  const base = whole(size).scale;
  const scale = Math.max(LEAST_ZOOM * base, Math.min(MOST_ZOOM * base, camera.scale * factor));
  const fixed = toMap(camera, size, at);
  const share = camera.scale / scale;
  return { x: fixed.x + (camera.x - fixed.x) * share, y: fixed.y + (camera.y - fixed.y) * share, scale };
}

/** The view after dragging by some pixels. It never loses the map. */
export function moved(camera: Camera, { x, y }: Point): Camera {
  const held = (value: number): number => Math.max(-1, Math.min(1, value));
  return { ...camera, x: held(camera.x - x / camera.scale), y: held(camera.y + y / camera.scale) };
}

/** The point that is nearest to a position of the screen, at most `reach` pixels away. */
export function nearest<T extends Point>(points: readonly T[], camera: Camera, size: Size, at: Point, reach: number): T | null {
  const { x, y } = toMap(camera, size, at);
  let best: T | null = null;
  let least = (reach / camera.scale) ** 2;
  for (const point of points) {
    const distance = (point.x - x) ** 2 + (point.y - y) ** 2;
    if (distance <= least) [best, least] = [point, distance];
  }
  return best;
}

/** Whether a point lies inside a polygon, by the parity of its crossings. */
export function isInside(corners: readonly Point[], { x, y }: Point): boolean {
  let inside = false;
  corners.forEach((a, index) => {
    const b = corners[(index + 1) % corners.length]!;
    if (a.y > y !== b.y > y && x < a.x + ((y - a.y) / (b.y - a.y)) * (b.x - a.x)) inside = !inside;
  });
  return inside;
}

/** A drawn line with at most `most` corners, evenly left out, so that it fits into an address. */
export function thinned<T>(line: readonly T[], most: number): T[] {
  if (line.length <= most) return [...line];
  return Array.from({ length: most }, (_, i) => line[Math.floor((i * line.length) / most)]!);
}
