// Draws the points of the map on a canvas.

import type { Modality } from "../api/types";
import { toScreen, type Camera, type Point, type Size } from "./plane";

export interface MapPoint extends Point {
  readonly id: string;
  readonly modality: Modality;
}

export interface Scene {
  readonly points: readonly MapPoint[];
  readonly camera: Camera;
  /** Ids of points to stand out; the others then fade. None stand out if it is empty. */
  readonly found: ReadonlySet<string>;
  readonly aimed: MapPoint | null;
  /** Corners of a drawn area, on the map. */
  readonly area: readonly Point[];
  readonly colours: Readonly<Record<Modality, string>>;
  readonly ink: string;
}

const FADED = 0.22;
const FULL_TURN = 2 * Math.PI;

/** Draw a scene on a canvas of `size` in pixels of the style sheet; `density` is the number of its own pixels in one. */
export function draw(pen: CanvasRenderingContext2D, size: Size, density: number, scene: Scene): void {
  pen.setTransform(density, 0, 0, density, 0, 0);
  pen.clearRect(0, 0, size.width, size.height);
  const radius = Math.max(2.5, Math.min(7, scene.camera.scale / 90));
  for (const point of scene.points) {
    const { x, y } = toScreen(scene.camera, size, point);
    if (x < -radius || y < -radius || x > size.width + radius || y > size.height + radius) continue;
    const stands = scene.found.size === 0 || scene.found.has(point.id);
    pen.globalAlpha = stands ? 0.9 : FADED;
    pen.fillStyle = scene.colours[point.modality];
    disc(pen, x, y, scene.found.size && stands ? radius * 1.6 : radius);
  }
  pen.globalAlpha = 1;
  pen.strokeStyle = scene.ink;
  pen.lineWidth = 2;
  if (scene.aimed) ring(pen, toScreen(scene.camera, size, scene.aimed), radius + 4);
  if (scene.area.length > 1) outline(pen, scene.area.map((corner) => toScreen(scene.camera, size, corner)));
}

function disc(pen: CanvasRenderingContext2D, x: number, y: number, radius: number): void {
  pen.beginPath();
  pen.arc(x, y, radius, 0, FULL_TURN);
  pen.fill();
}

function ring(pen: CanvasRenderingContext2D, { x, y }: Point, radius: number): void {
  pen.beginPath();
  pen.arc(x, y, radius, 0, FULL_TURN);
  pen.stroke();
}

function outline(pen: CanvasRenderingContext2D, corners: readonly Point[]): void {
  pen.beginPath();
  corners.forEach(({ x, y }, index) => (index ? pen.lineTo(x, y) : pen.moveTo(x, y)));
  pen.closePath();
  pen.stroke();
  pen.globalAlpha = 0.08;
  pen.fillStyle = pen.strokeStyle;
  pen.fill();
  pen.globalAlpha = 1;
}
