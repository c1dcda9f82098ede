// A 3D model in a canvas: three.js with the few parts of it that our GLB files need. It is loaded when a model is shown.

import {
  Box3,
  DirectionalLight,
  Group,
  HemisphereLight,
  Mesh,
  MeshStandardMaterial,
  PerspectiveCamera,
  Points,
  PointsMaterial,
  Scene,
  Sphere,
  TextureLoader,
  Vector3,
  WebGLRenderer,
  type BufferGeometry,
  type Material,
} from "three";
import { OrbitControls } from "three/examples/jsm/controls/OrbitControls.js";
import { GLTFLoader } from "three/examples/jsm/loaders/GLTFLoader.js";
import { framing, pointSize, turnOf } from "./orbit";

interface Look {
  /** Whether the model turns by itself. */
  spin: boolean;
  wireframe: boolean;
  /** The size of points, 1 as a rule. */
  points: number;
}

export interface Shown {
  /** Whether there are points, and whether there are triangles. */
  readonly hasPoints: boolean;
  readonly hasFaces: boolean;
  look(look: Look): void;
  /** Turn or zoom as a key says; false if it is no key of ours. */
  press(key: string): boolean;
  close(): void;
}

const FIELD_OF_VIEW = 35; // degrees
const LONGEST_STEP = 0.1; // seconds by which a model turns after a pause
const SIDE = new Vector3(0.55, 0.35, 1); // where the first look comes from

/**
 * Show the model at an address, and call `drawn` after each frame.
 * @throws Error if there is no WebGL (its name is "NoWebGL"), or the model cannot be loaded.
 */
export async function show(canvas: HTMLCanvasElement, src: string, zooms: boolean, drawn: () => void): Promise<Shown> {
  const renderer = rendererOf(canvas);
  const model = await load(src).catch((error: unknown) => {
    close(renderer);
    throw error;
  });
  const radius = Math.max(new Box3().setFromObject(model).getBoundingSphere(new Sphere()).radius, 1e-6);
  model.position.sub(new Box3().setFromObject(model).getBoundingSphere(new Sphere()).center);

  const scene = new Scene();
  const camera = new PerspectiveCamera(FIELD_OF_VIEW, 1, radius / 100, radius * 100);
  const lamp = new DirectionalLight(0xffffff, 1.6);
  lamp.position.set(0.6, 1, 0.8);
  camera.add(lamp);
  scene.add(model, camera, new HemisphereLight(0xffffff, 0x8a8a90, 1.7));

  const controls = new OrbitControls(camera, canvas);
  controls.enablePan = false;
  controls.enableZoom = zooms;
  controls.autoRotateSpeed = 1.6;
  controls.minDistance = radius * 1.05;
  controls.maxDistance = radius * 12;
  if (!zooms) canvas.style.touchAction = "pan-y";

  let [frame, framed, before] = [0, false, 0];
  const points: Points<BufferGeometry, PointsMaterial>[] = [];
  const faces: Mesh[] = [];
  model.traverse((part) => {
    if (part instanceof Points) points.push(part);
    else if (part instanceof Mesh) faces.push(part);
  });
  for (const part of points) part.material = new PointsMaterial({ vertexColors: "color" in part.geometry.attributes });

  function draw(now: number): void {
    frame = 0;
    if (controls.autoRotate) controls.update(Math.min((now - before) / 1000, LONGEST_STEP));
    before = now;
    renderer.render(scene, camera);
    drawn();
    if (controls.autoRotate) ask();
  }
  const ask = (): void => void (frame ||= requestAnimationFrame(draw));

  function fit(): void {
    const { clientWidth, clientHeight } = canvas;
    if (!clientWidth || !clientHeight) return;
    renderer.setPixelRatio(Math.min(devicePixelRatio, 2));
    renderer.setSize(clientWidth, clientHeight, false);
    camera.aspect = clientWidth / clientHeight;
    camera.updateProjectionMatrix();
    if (!framed) {
      camera.position.copy(SIDE).setLength(framing(radius, FIELD_OF_VIEW, camera.aspect));
      controls.saveState();
      controls.update();
      framed = true;
    }
    ask();
  }
  const sized = new ResizeObserver(fit);
  sized.observe(canvas);
  controls.addEventListener("change", ask);

  return {
    hasPoints: points.length > 0,
    hasFaces: faces.length > 0,
    look({ spin, wireframe, points: size }) {
      controls.autoRotate = spin;
      for (const { material } of faces) {
        for (const each of [material].flat()) if (each instanceof MeshStandardMaterial) each.wireframe = wireframe;
      }
      for (const { material, geometry } of points) material.size = size * pointSize(radius, geometry.attributes.position?.count ?? 1);
      ask();
    },
    press(key) {
      if (key === "0") controls.reset();
      const turn = turnOf(key);
      if (turn?.left) controls.rotateLeft(turn.left);
      if (turn?.up) controls.rotateUp(turn.up);
      if (turn?.nearer) controls.dollyIn(turn.nearer);
      controls.update();
      ask();
      return key === "0" || turn !== undefined;
    },
    close() {
      cancelAnimationFrame(frame);
      sized.disconnect();
      controls.dispose();
      for (const { geometry, material } of [...faces, ...points]) {
        geometry.dispose();
        for (const each of [material].flat()) forget(each);
      }
      close(renderer);
    },
  };
}

function rendererOf(canvas: HTMLCanvasElement): WebGLRenderer {
  try {
    return new WebGLRenderer({ canvas, alpha: true, antialias: true });
  } catch {
    throw Object.assign(new Error("no WebGL"), { name: "NoWebGL" });
  }
}

async function load(src: string): Promise<Group> {
  const loader = new GLTFLoader();
  // Its own loader fetches pictures as blob: addresses, which the server's policy forbids; an <img> may have them.
  loader.register((parser) => {
    parser.textureLoader = new TextureLoader(parser.options.manager);
    return { name: "pictures" };
  });
  return (await loader.loadAsync(src)).scene;
}

function forget(material: Material): void {
  if (material instanceof MeshStandardMaterial) material.map?.dispose();
  material.dispose();
}

function close(renderer: WebGLRenderer): void {
  renderer.dispose();
  renderer.forceContextLoss();
}
