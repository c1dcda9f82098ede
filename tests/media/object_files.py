"""Writers of one asymmetric object, by hand, in every 3D format that is read."""

import io
import struct
import zipfile
from pathlib import Path

import numpy as np
import trimesh

Y_TO_Z = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]], float)  # rows: (x, y, z) of a y-up object in a z-up file


def tower() -> trimesh.Trimesh:
    """A flat slab with a tower on its right back corner; y is up. No turn and no mirror maps it onto itself."""
    slab = trimesh.creation.box(extents=(2, 0.3, 1.4))
    post = trimesh.creation.box(extents=(0.4, 2, 0.3))
    post.apply_translation((0.7, 1.15, -0.5))
    return trimesh.util.concatenate([slab, post])


def z_up() -> tuple[np.ndarray, np.ndarray]:
    """Vertices (with z up) and faces of the tower."""
    mesh = tower()
    return mesh.vertices @ Y_TO_Z.T, mesh.faces


def write(path: Path) -> None:
    """Write the tower in the format of the path's extension."""
    suffix = path.suffix.removeprefix(".")
    made = _WRITERS[suffix]() if suffix in _WRITERS else tower().export(file_type=suffix)
    path.write_bytes(made.encode() if isinstance(made, str) else made)


def obj(vertices: np.ndarray, faces: np.ndarray) -> str:
    lines = [f"v {x:.9g} {y:.9g} {z:.9g}" for x, y, z in vertices]
    return "\n".join(lines + [f"f {a} {b} {c}" for a, b, c in faces + 1]) + "\n"


def threemf_model(transform: str = "1 0 0 0 1 0 0 0 1 0 0 0") -> str:
    vertices, faces = z_up()
    points = "".join(f'<vertex x="{x}" y="{y}" z="{z}"/>' for x, y, z in vertices)
    triangles = "".join(f'<triangle v1="{a}" v2="{b}" v3="{c}"/>' for a, b, c in faces)
    return (
        '<?xml version="1.0"?><model unit="millimeter" '
        'xmlns="http://schemas.microsoft.com/3dmanufacturing/core/2015/02"><resources>'
        f'<object id="1" type="model"><mesh><vertices>{points}</vertices><triangles>{triangles}</triangles></mesh>'
        f'</object></resources><build><item objectid="1" transform="{transform}"/></build></model>'
    )


def zipped(members: dict[str, str | bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def amf() -> str:
    vertices, faces = z_up()
    points = "".join(
        f"<vertex><coordinates><x>{x}</x><y>{y}</y><z>{z}</z></coordinates></vertex>" for x, y, z in vertices
    )
    triangles = "".join(f"<triangle><v1>{a}</v1><v2>{b}</v2><v3>{c}</v3></triangle>" for a, b, c in faces)
    return (
        f'<?xml version="1.0"?><amf unit="millimeter"><object id="0"><mesh><vertices>{points}</vertices>'
        f"<volume>{triangles}</volume></mesh></object></amf>"
    )


def dxf(shift: tuple[float, float, float] = (0, 0, 0)) -> str:
    vertices, faces = z_up()
    out = ["0", "SECTION", "2", "ENTITIES"]
    for face in faces:
        out += ["0", "3DFACE", "8", "0"]
        for index, corner in enumerate([*face, face[2]]):
            for axis, value in enumerate(vertices[corner] + shift):
                out += [f"{10 * (axis + 1) + index}", repr(float(value))]
    return "\n".join([*out, "0", "ENDSEC", "0", "EOF"]) + "\n"


def _fbx() -> str:
    """ASCII FBX whose settings say that z is up."""
    vertices, faces = z_up()
    points = ",".join(f"{value:.6f}" for value in vertices.ravel())
    corners = ",".join(f"{a},{b},{-c - 1}" for a, b, c in faces)
    axes = {"UpAxis": 2, "UpAxisSign": 1, "FrontAxis": 1, "FrontAxisSign": -1, "CoordAxis": 0, "CoordAxisSign": 1}
    settings = "".join(f'P: "{name}", "int", "Integer", "",{value}\n' for name, value in axes.items())
    return (
        "; FBX 7.4.0 project file\nFBXHeaderExtension:  {\nFBXHeaderVersion: 1003\nFBXVersion: 7400\n}\n"
        f"GlobalSettings:  {{\nVersion: 1000\nProperties70:  {{\n{settings}"
        'P: "UnitScaleFactor", "double", "Number", "",1'
        f"\n}}\n}}\nDefinitions:  {{\n}}\nObjects:  {{\n"
        f'Geometry: 1, "Geometry::", "Mesh" {{\nVertices: *{vertices.size} {{\na: {points}\n}}\n'
        f"PolygonVertexIndex: *{faces.size} {{\na: {corners}\n}}\nGeometryVersion: 124\n}}\n"
        'Model: 2, "Model::tower", "Mesh" {\nVersion: 232\n}\n}\n'
        'Connections:  {\nC: "OO",2,0\nC: "OO",1,2\n}\n'
    )


def _chunk(kind: int, content: bytes) -> bytes:
    return struct.pack("<HI", kind, 6 + len(content)) + content


def three_ds() -> bytes:
    vertices, faces = z_up()
    points = struct.pack("<H", len(vertices)) + vertices.astype("<f4").tobytes()
    rows = np.concatenate([faces, np.full((len(faces), 1), 7)], axis=1).astype("<u2")
    mesh = _chunk(0x4100, _chunk(0x4110, points) + _chunk(0x4120, struct.pack("<H", len(faces)) + rows.tobytes()))
    return _chunk(0x4D4D, _chunk(0x0002, struct.pack("<I", 3)) + _chunk(0x3D3D, _chunk(0x4000, b"tower\0" + mesh)))


def lwo() -> bytes:
    """LWO2. LightWave is y-up and left-handed: z is mirrored, and with it the order of corners."""
    mesh = tower()

    def chunk(name: bytes, content: bytes) -> bytes:
        return name + struct.pack(">I", len(content)) + content + bytes(len(content) % 2)

    points = (mesh.vertices * (1, 1, -1)).astype(">f4").tobytes()
    polygons = b"FACE" + b"".join(struct.pack(">4H", 3, *face[::-1]) for face in mesh.faces)
    tags, layer = b"skin\0\0", struct.pack(">2H3f2s", 0, 0, 0, 0, 0, b"\0\0")
    body = b"LWO2" + chunk(b"TAGS", tags) + chunk(b"LAYR", layer) + chunk(b"PNTS", points) + chunk(b"POLS", polygons)
    body += chunk(b"PTAG", b"SURF" + b"".join(struct.pack(">2H", i, 0) for i in range(len(mesh.faces))))
    body += chunk(b"SURF", b"skin\0\0\0\0")
    return b"FORM" + struct.pack(">I", len(body)) + body


def _ac() -> str:
    mesh = tower()
    surfaces = "".join(f"SURF 0x0\nmat 0\nrefs 3\n{a} 0 0\n{b} 0 0\n{c} 0 0\n" for a, b, c in mesh.faces)
    points = "".join(f"{x} {y} {z}\n" for x, y, z in mesh.vertices)
    return (
        'AC3Db\nMATERIAL "" rgb 1 1 1  amb 1 1 1  emis 0 0 0  spec 0 0 0  shi 10  trans 0\nOBJECT world\nkids 1\n'
        f'OBJECT poly\nname "tower"\nnumvert {len(mesh.vertices)}\n{points}'
        f"numsurf {len(mesh.faces)}\n{surfaces}kids 0\n"
    )


def _x() -> str:
    """DirectX text. It is y-up and left-handed as LightWave."""
    mesh = tower()
    points = ",\n".join(f"{x:f};{y:f};{z:f};" for x, y, z in mesh.vertices * (1, 1, -1))
    faces = ",\n".join(f"3;{c},{b},{a};" for a, b, c in mesh.faces)
    return f"xof 0303txt 0032\nMesh tower {{\n{len(mesh.vertices)};\n{points};\n{len(mesh.faces)};\n{faces};\n}}\n"


def _ase() -> str:
    vertices, faces = z_up()
    points = "".join(f"*MESH_VERTEX {i} {x:.6f} {y:.6f} {z:.6f}\n" for i, (x, y, z) in enumerate(vertices))
    rows = "".join(
        f"*MESH_FACE {i}: A: {a} B: {b} C: {c} AB: 1 BC: 1 CA: 1 *MESH_SMOOTHING *MESH_MTLID 0\n"
        for i, (a, b, c) in enumerate(faces)
    )
    return (
        '*3DSMAX_ASCIIEXPORT 200\n*GEOMOBJECT {\n*NODE_NAME "tower"\n*NODE_TM {\n*NODE_NAME "tower"\n'
        "*TM_ROW0 1 0 0\n*TM_ROW1 0 1 0\n*TM_ROW2 0 0 1\n*TM_ROW3 0 0 0\n}\n*MESH {\n*TIMEVALUE 0\n"
        f"*MESH_NUMVERTEX {len(vertices)}\n*MESH_NUMFACES {len(faces)}\n*MESH_VERTEX_LIST {{\n{points}}}\n"
        f"*MESH_FACE_LIST {{\n{rows}}}\n}}\n}}\n"
    )


def _ms3d() -> bytes:
    mesh = tower()
    out = b"MS3D000000" + struct.pack("<I", 4) + struct.pack("<H", len(mesh.vertices))
    out += b"".join(struct.pack("<B3fbB", 0, *vertex, -1, 0) for vertex in mesh.vertices)
    out += struct.pack("<H", len(mesh.faces))
    for face in mesh.faces:
        out += struct.pack("<4H9f3f3fBB", 0, *face, *([0, 1, 0] * 3), *([0.0] * 6), 1, 0)
    group = struct.pack("<B32sH", 0, b"all", len(mesh.faces)) + np.arange(len(mesh.faces), dtype="<u2").tobytes()
    return out + struct.pack("<H", 1) + group + struct.pack("<bH", -1, 0) + struct.pack("<ffI", 24, 1, 0) + b"\0\0"


def _step() -> str:
    """A solid of plane triangles, written entity by entity."""
    vertices, faces = z_up()
    rows: list[str] = []

    def add(text: str) -> str:
        rows.append(f"#{len(rows) + 1}={text};")
        return f"#{len(rows)}"

    def place(kind: str, values: np.ndarray) -> str:
        return add(f"{kind}('',({','.join(f'{value:.9f}' for value in values)}))")

    corners = [place("CARTESIAN_POINT", vertex) for vertex in vertices]
    ends = [add(f"VERTEX_POINT('',{corner})") for corner in corners]

    def edge(a: int, b: int) -> str:
        along = place("DIRECTION", (vertices[b] - vertices[a]) / np.linalg.norm(vertices[b] - vertices[a]))
        vector = add(f"VECTOR('',{along},1.)")
        line = add(f"LINE('',{corners[a]},{vector})")
        curve = add(f"EDGE_CURVE('',{ends[a]},{ends[b]},{line},.T.)")
        return add(f"ORIENTED_EDGE('',*,*,{curve},.T.)")

    def skin(a: int, b: int, c: int) -> str:
        side, other = vertices[b] - vertices[a], vertices[c] - vertices[a]
        normal = np.cross(side, other)
        axis = place("DIRECTION", normal / np.linalg.norm(normal))
        across = place("DIRECTION", side / np.linalg.norm(side))
        frame = add(f"AXIS2_PLACEMENT_3D('',{corners[a]},{axis},{across})")
        plane = add(f"PLANE('',{frame})")
        loop = add(f"EDGE_LOOP('',({edge(a, b)},{edge(b, c)},{edge(c, a)}))")
        bound = add(f"FACE_OUTER_BOUND('',{loop},.T.)")
        return add(f"ADVANCED_FACE('',({bound}),{plane},.T.)")

    shell = add(f"CLOSED_SHELL('',({','.join(skin(*face) for face in faces)}))")
    solid = add(f"MANIFOLD_SOLID_BREP('',{shell})")
    app = add("APPLICATION_CONTEXT('automotive design')")
    add(f"APPLICATION_PROTOCOL_DEFINITION('international standard','automotive_design',2000,{app})")
    within = add(f"PRODUCT_CONTEXT('',{app},'mechanical')")
    product = add(f"PRODUCT('tower','tower','',({within}))")
    form = add(f"PRODUCT_DEFINITION_FORMATION('','',{product})")
    stage = add(f"PRODUCT_DEFINITION_CONTEXT('part definition',{app},'design')")
    definition = add(f"PRODUCT_DEFINITION('','',{form},{stage})")
    shape = add(f"PRODUCT_DEFINITION_SHAPE('','',{definition})")
    length = add("(LENGTH_UNIT()NAMED_UNIT(*)SI_UNIT(.MILLI.,.METRE.))")
    angle = add("(NAMED_UNIT(*)PLANE_ANGLE_UNIT()SI_UNIT($,.RADIAN.))")
    solid_angle = add("(NAMED_UNIT(*)SI_UNIT($,.STERADIAN.)SOLID_ANGLE_UNIT())")
    fuzz = add(f"UNCERTAINTY_MEASURE_WITH_UNIT(LENGTH_MEASURE(1.E-06),{length},'distance_accuracy_value','')")
    context = add(
        f"(GEOMETRIC_REPRESENTATION_CONTEXT(3)GLOBAL_UNCERTAINTY_ASSIGNED_CONTEXT(({fuzz}))"
        f"GLOBAL_UNIT_ASSIGNED_CONTEXT(({length},{angle},{solid_angle}))REPRESENTATION_CONTEXT('',''))"
    )
    body = add(f"ADVANCED_BREP_SHAPE_REPRESENTATION('',({solid}),{context})")
    add(f"SHAPE_DEFINITION_REPRESENTATION({shape},{body})")
    head = "FILE_DESCRIPTION((''),'2;1');\nFILE_NAME('','',(''),(''),'','','');\nFILE_SCHEMA(('AUTOMOTIVE_DESIGN'));"
    data = "\n".join(rows)
    return f"ISO-10303-21;\nHEADER;\n{head}\nENDSEC;\nDATA;\n{data}\nENDSEC;\nEND-ISO-10303-21;\n"


def usda(up: str = "Z") -> str:
    vertices, faces = z_up()
    points = ", ".join(f"({x}, {y}, {z})" for x, y, z in vertices)
    return (
        f'#usda 1.0\n(\n    defaultPrim = "tower"\n    upAxis = "{up}"\n)\ndef Mesh "tower"\n{{\n'
        f"    int[] faceVertexCounts = [{', '.join(['3'] * len(faces))}]\n"
        f"    int[] faceVertexIndices = [{', '.join(map(str, faces.ravel()))}]\n    point3f[] points = [{points}]\n}}\n"
    )


def usdc() -> bytes:
    import tempfile

    from pxr import Sdf

    layer = Sdf.Layer.CreateAnonymous(".usda")
    layer.ImportFromString(usda())
    with tempfile.TemporaryDirectory() as folder:
        layer.Export(f"{folder}/a.usdc")
        return Path(f"{folder}/a.usdc").read_bytes()


def _cloud() -> np.ndarray:
    mesh = tower()
    points, _ = trimesh.sample.sample_surface(mesh, 20_000, seed=7)
    return np.asarray(points) @ Y_TO_Z.T


def las(suffix: str) -> bytes:
    import laspy

    cloud = _cloud() + np.array([500_000, 5_400_000, 300])  # UTM
    header = laspy.LasHeader(point_format=2, version="1.2")
    header.offsets, header.scales = cloud.min(axis=0), (1e-4,) * 3
    data = laspy.LasData(header)
    data.x, data.y, data.z = cloud.T
    out = io.BytesIO()
    data.write(out, do_compress=suffix == "laz")
    return out.getvalue()


def pcd(kind: str = "binary") -> bytes:
    cloud = _cloud().astype("<f4")
    head = f"# .PCD v0.7\nVERSION 0.7\nFIELDS x y z\nSIZE 4 4 4\nTYPE F F F\nWIDTH {len(cloud)}\nHEIGHT 1\n"
    head += f"POINTS {len(cloud)}\nDATA {kind}\n"
    if kind == "ascii":
        return (head + "\n".join(" ".join(map(str, row)) for row in cloud)).encode()
    if kind == "binary":
        return head.encode() + cloud.tobytes()
    plain = cloud.T.tobytes()
    packed = b"".join(bytes([len(plain[i : i + 32]) - 1]) + plain[i : i + 32] for i in range(0, len(plain), 32))
    return head.encode() + struct.pack("<2I", len(packed), len(plain)) + packed


_WRITERS = {
    "obj": lambda: obj(tower().vertices, tower().faces),
    "3mf": lambda: zipped({"3D/3dmodel.model": threemf_model()}),
    "amf": amf,
    "dxf": dxf,
    "fbx": _fbx,
    "3ds": three_ds,
    "lwo": lwo,
    "ac": _ac,
    "ase": _ase,
    "x": _x,
    "ms3d": _ms3d,
    "step": _step,
    "usda": usda,
    "usdc": usdc,
    "usdz": lambda: zipped({"a.usdc": usdc()}),
    "las": lambda: las("las"),
    "laz": lambda: las("laz"),
    "pcd": pcd,
    "xyz": lambda: "\n".join(" ".join(map(repr, map(float, row))) for row in _cloud()) + "\n",
}
