// How far the camera of a 3D model stands, how large its points are, and what its keys do.

export interface Turn {
  /** Radians. */
  readonly left?: number;
  readonly up?: number;
  /** The factor of the distance, over 1 to come nearer. */
  readonly nearer?: number;
}

const STEP = Math.PI / 12;
const ZOOM = 1.2;
const MARGIN = 1.08;

const KEYS: Record<string, Turn> = {
  ArrowLeft: { left: STEP },
  ArrowRight: { left: -STEP },
  ArrowUp: { up: STEP },
  ArrowDown: { up: -STEP },
  "+": { nearer: ZOOM },
  "=": { nearer: ZOOM },
  "-": { nearer: 1 / ZOOM },
};

export const turnOf = (key: string): Turn | undefined => KEYS[key];

/** The distance at which a ball of a radius fills a view of an angle in degrees, which is `aspect` times as wide as high. */
export function framing(radius: number, degrees: number, aspect: number): number {
  const up = (degrees * Math.PI) / 360;
  const half = Math.min(up, Math.atan(Math.tan(up) * aspect));
  return (MARGIN * radius) / Math.sin(half);
}

/** The size of each of `count` points, so that those of a ball's surface just close the gaps between them. */
export const pointSize = (radius: number, count: number): number => radius * Math.min(0.04, Math.max(0.004, 3.2 / Math.sqrt(Math.max(count, 1))));
