// The module "virtual:world": the outline of the land as the path of an SVG in a view box of 360 x 180, made while building
// from the package world-atlas (Natural Earth, public domain). A degree is a unit; north is up.

import type { Plugin } from "vite";
import land from "world-atlas/land-110m.json" with { type: "json" };

type Point = readonly [number, number];

/** The part of a TopoJSON file (version 1) that the outline needs: arcs of steps, and polygons made of arcs. */
export interface Topology {
  arcs: Point[][];
  transform: { scale: Point; translate: Point };
  objects: Record<string, { geometries: { type: string; arcs: number[][][] }[] }>;
}

const LEAST = 3; // a ring of fewer different points is an island that would be no dot

/** The rings of all multipolygons as one path, with points of whole degrees times `fine`. */
export function outlineOf({ arcs, transform, objects }: Topology, name: string, fine = 2): string {
  const lines = arcs.map((steps) => {
    let [x, y] = [0, 0];
    return steps.map(([dx, dy]): Point => {
      [x, y] = [x + dx, y + dy];
      const east = x * transform.scale[0] + transform.translate[0];
      const north = y * transform.scale[1] + transform.translate[1];
      return [Math.round((east + 180) * fine) / fine, Math.round((90 - north) * fine) / fine];
    });
  });
  const rings = objects[name]!.geometries.flatMap(({ type, arcs: parts }) => (type === "MultiPolygon" ? parts.flat() : []));
  return rings.map((ring) => ringOf(ring.flatMap((arc) => (arc < 0 ? [...lines[~arc]!].reverse() : lines[arc]!)))).join("");
}

function ringOf(points: Point[]): string {
  const different = points.filter(([x, y], index) => index === 0 || x !== points[index - 1]![0] || y !== points[index - 1]![1]);
  return different.length < LEAST + 1 ? "" : `M${different.map(([x, y]) => `${x} ${y}`).join("L")}Z`;
}

export function world(): Plugin {
  const id = "virtual:world";
  return {
    name: "world",
    resolveId: (asked) => (asked === id ? `\0${id}` : undefined),
    load: (asked) => (asked === `\0${id}` ? `export default ${JSON.stringify(outlineOf(land as unknown as Topology, "land"))};` : undefined),
  };
}
