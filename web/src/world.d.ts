declare module "virtual:world" {
  /** The outline of the land as the path of an SVG, 360 units wide and 180 high. */
  const path: string;
  export default path;
}
